"""Prices, change, earnings, savings and splitting a bill."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from training.problems.numbers import Numbers, divisors, few, over, own, price, within
from training.problems.relations.relation import Relation, step

COST = (
    "how much {does S} spend?", "how much {does S} pay in total?", "what is the total cost?",
    "how much does it cost altogether?", "how much money {does S} spend?", "how much {does S} pay?",
    "find the total cost.", "how much must {S} pay?", "what is the total price?",
    "~what does it all come to?", "~how much money {does S} hand over?",
)
REST = (
    "how much money {does S} have left?", "how much {does S} have left?", "how much money is left?",
    "how much money {does S} have now?", "how much is left?", "find the amount of money left.",
    "~how much money {is S} left with?", "~what remains of {his} money?",
)
EARNED = (
    "how much {does S} earn?", "how much money {does S} earn?", "how much {does S} make?",
    "how much money {does S} make in total?", "what are {his} earnings?", "~how much {is S} paid in all?",
)


def _note(rng: Random, x: Fraction | None) -> Numbers | None:
    """A banknote, or a round sum, that covers the price."""
    cost = price(rng, 18) if x is None else x
    fitting = [note for note in (5, 10, 20, 50, 100, 200, 500) if cost < note < 4 * cost + 10]
    return {"x": cost, "b": Fraction(rng.choice(fitting))} if fitting else None


def _spend(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(6, 120)) if x is None else x
    if have < 2:
        return None
    whole = Fraction(rng.randint(1, int(have) - 1))
    cents = Fraction(rng.choice((25, 50, 75, 99, 20, 40)), 100)
    return {"x": have, "b": whole - cents if whole > 1 and rng.random() < 0.2 else whole}


def _split(rng: Random, x: Fraction | None) -> Numbers | None:
    people = rng.randint(2, 8)
    if x is None:
        return {"x": price(rng, 30) * people, "b": Fraction(people)}
    fitting = [n for n in range(2, 9) if (x / n * 100).denominator == 1]
    return {"x": x, "b": Fraction(rng.choice(fitting))} if fitting else None


def _off(rng: Random, x: Fraction | None) -> Numbers | None:
    rate = rng.choice((5, 10, 10, 15, 20, 20, 25, 30, 40, 50, 60, 75))
    base = Fraction(rng.choice((5, 10, 20)) * rng.randint(2, 30)) if x is None else x
    return {"x": base, "p": Fraction(rate)} if (base * rate / 100 * 100).denominator == 1 else None


def _added(rng: Random, x: Fraction | None) -> Numbers | None:
    """A rate that is added to a price."""
    rate = rng.choice((5, 6, 8, 10, 10, 12, 15, 15, 18, 20, 20, 25))
    base = Fraction(rng.choice((5, 10, 20)) * rng.randint(2, 30)) if x is None else x
    return {"x": base, "p": Fraction(rate)} if (base * rate).denominator == 1 else None


def _voucher(rng: Random, x: Fraction | None) -> Numbers | None:
    base = Fraction(rng.randint(8, 120)) if x is None else x
    return {"x": base, "b": Fraction(rng.randint(1, int(min(base - 1, 40))))} if base > 4 else None


def _goal(rng: Random, x: Fraction | None) -> Numbers | None:
    have = Fraction(rng.randint(3, 90)) if x is None else x
    return {"x": have, "b": Fraction(int(have) + rng.choice((rng.randint(1, 60), 5 * few(rng))))}


def _affordable(rng: Random, x: Fraction | None) -> Numbers | None:
    if x is None:
        each = rng.randint(2, 15)
        return {"x": Fraction(each * few(rng, 2, 15)), "b": Fraction(each)}
    fitting = divisors(x, 2, 30)
    return {"x": x, "b": Fraction(rng.choice(fitting))} if fitting else None


_BILL = frozenset("xyz")

RELATIONS = (
    Relation(
        "unit_price", "", "bill", own(a=few, b=price),
        {"a": "number of {nouns}", "b": "price of one"}, (step("y", "a * b", "total cost"),),
        (
            "{N|buys} {a nouns}. each {noun} costs {$b}.", "{N|buys} {a nouns} for {$b} each.",
            "one {noun} costs {$b}. {N|buys} {a}.", "{N|buys} {a nouns} at {$b} each.",
            "a single {noun} costs {$b}. {N|buys} {a} of them.",
            "{nouns} cost {$b} each and {N|buys} {a}.", "the {shop} sells {nouns} for {$b} each. {N|buys} {a nouns}.",
            "{nouns} are {$b} apiece. {N|gets} {a}.", "{N|pays} {$b} for each of {a nouns}.",
            "~{N|picks} out {a nouns} priced at {$b} each.", "~at {$b} per {noun}, {N|buys} {a}.",
        ),
        COST,
        (
            "if one {noun} costs {$b}, how much do {a nouns} cost?", "how much do {a nouns} cost at {$b} each?",
            "what is the cost of {a nouns} at {$b} each?", "{an noun} costs {$b}. how much are {a nouns}?",
            "{a nouns} at {$b} each. what is the total?", "one {noun} is {$b}. what do {a nouns} cost?",
            "how much will {N} pay for {a nouns} if each costs {$b}?", "{nouns} cost {$b} each. how much for {a}?",
            "~with {nouns} at {$b} a piece, what will {a} of them set {N} back?",
            "~find what {N|!pays} for {a nouns} when one is {$b}.",
        ),
        unit="$", money=frozenset("by"), weight=3,
    ),
    Relation(
        "two_items", "", "bill", own(a=price, b=price),
        {"a": "price of the {noun}", "b": "price of the {other}"}, (step("y", "a + b", "total cost"),),
        (
            "{N|buys} {an noun} for {$a} and {an other} for {$b}.", "{N|spends} {$a} on {an noun} and {$b} on {an other}.",
            "{an noun} costs {$a} and {an other} costs {$b}. {N|buys} both.",
            "{N|pays} {$a} for {an noun} and {$b} for {an other}.",
            "at the {shop}, {N|buys} {an noun} that costs {$a}. {he} also {|buys} {an other} for {$b}.",
            "~{an noun} sells for {$a}, {an other} for {$b}, and {N|takes} one of each.",
        ),
        COST,
        (
            "{an noun} costs {$a} and {an other} costs {$b}. how much do they cost together?",
            "what is the total cost of {an noun} at {$a} and {an other} at {$b}?",
            "how much are {an noun} for {$a} and {an other} for {$b} in total?",
            "~{$a} for {an noun} plus {$b} for {an other}: how much is that?",
        ),
        unit="$", money=frozenset("aby"), weight=1.5,
    ),
    Relation(
        "two_purchases", "", "bill", own(a=few, b=price, c=few, d=price),
        {"a": "number of {nouns}", "b": "price of one {noun}", "c": "number of {others}", "d": "price of one {other}"},
        (step("v", "a * b", "cost of the {nouns}"), step("w", "c * d", "cost of the {others}"), step("y", "v + w", "total cost")),
        (
            "{N|buys} {a nouns} at {$b} each and {c others} at {$d} each.",
            "{N|buys} {a nouns} for {$b} each and {c others} for {$d} each.",
            "{an noun} costs {$b} and {an other} costs {$d}. {N|buys} {a nouns} and {c others}.",
            "{nouns} cost {$b} each. {others} cost {$d} each. {N|buys} {a nouns} and {c others}.",
            "~each {noun} is {$b} and each {other} {$d}. {N|takes} {a nouns} with {c others}.",
        ),
        COST, unit="$", money=frozenset("bdvwy"),
    ),
    Relation(
        "change_from_note", "bill", "", _note,
        {"b": "money paid"}, (step("y", "b - x", "change"),),
        (
            "{S|pays} with a {$b} bill.", "{S|gives} the cashier {$b}.", "{S|pays} with {$b}.",
            "{S|hands} the clerk {$b}.", "{S|has} {$b} to pay with.", "{S|pays} with a {$b} note.",
            "~the cashier gets {$b} from {him}.",
        ),
        (
            "how much change {does S} get?", "how much change {does S} get back?", "what is {his} change?",
            "how much change should {S} receive?", "how much money {does S} get back?", "~what comes back to {him}?",
        ),
        (
            "{N|buys} {an noun} for {$x} and {|pays} with {$b}. how much change {does he} get?",
            "{an noun} costs {$x}. {N|pays} with a {$b} bill. what is the change?",
            "if {N|!pays} {$b} for something that costs {$x}, how much change {does he} get?",
            "what is the change from {$b} if {N|!spends} {$x}?", "how much change do you get from {$b} for a {$x} purchase?",
            "~{N|hands} over {$b} for {an noun} at {$x}. what does {he} get back?",
        ),
        unit="$", money=frozenset("by"), weight=2,
    ),
    Relation(
        "spend", "purse", "purse", _spend,
        {"b": "money spent"}, (step("y", "x - b", "money left"),),
        (
            "{S|spends} {$b} on {an noun}.", "{S|buys} {an noun} for {$b}.", "{S|spends} {$b}.",
            "{S|gives} {$b} to {M}.", "{S|pays} {$b} for {an noun}.", "{S|uses} {$b} to buy {an noun}.",
            "{S|loses} {$b}.", "{S|spends} {$b} at the {shop}.", "~{S|parts} with {$b} for {an noun}.",
        ),
        REST,
        (
            "{N|has} {$x} and {|spends} {$b}. how much is left?", "{N|has} {$x}. {he|buys} {an noun} for {$b}. how much money {does he} have left?",
            "if {N|!has} {$x} and {|!spends} {$b} on {an noun}, how much {does he} have left?",
            "how much money is left from {$x} after {N} {|!spends} {$b}?",
            "~after paying {$b} out of {$x}, what {does N} have?",
        ),
        unit="$", money=frozenset("by"), weight=1.1,
    ),
    Relation(
        "earn_more", "purse", "purse", own(b=within(2, 60)),
        {"b": "money added"}, (step("y", "x + b", "money now"),),
        (
            "{S|earns} {$b} more.", "{M|gives} {him} {$b}.", "{S|gets} {$b} for {his} birthday.",
            "{S|finds} {$b}.", "{S|earns} {$b} by washing cars.", "{S|saves} another {$b}.",
            "{his} mother gives {him} {$b}.", "~{S|adds} {$b} to it.",
        ),
        (
            "how much money {does S} have now?", "how much {does S} have in all?", "how much money {does S} have?",
            "how much money {does S} have in total?", "~what sum {does he} have now?",
        ),
        (
            "{N|has} {$x} and {|gets} {$b} more. how much money {does he} have?",
            "if {N|!has} {$x} and {|!earns} {$b}, how much {does he} have in total?",
            "~{N|has} {$x} until {M|gives} {him} {$b}. how much is there now?",
        ),
        unit="$", money=frozenset("by"), weight=0.6,
    ),
    Relation(
        "money_needed", "purse", "", _goal,
        {"b": "price"}, (step("y", "b - x", "money needed"),),
        (
            "{S|wants} to buy {an item} that costs {$b}.", "{an item} costs {$b}.", "{S|needs} {$b} for {an item}.",
            "the {item} {he} wants costs {$b}.", "~{S|dreams} of {an item} priced at {$b}.",
        ),
        (
            "how much more money {does S} need?", "how much more {does S} need?", "how much more must {S} save?",
            "how much more {does S} have to save?", "~what sum is still missing?",
        ),
        (
            "{N|has} {$x} and {an item} costs {$b}. how much more {does he} need?",
            "{an item} costs {$b}. {N|!has} only {$x}. how much more money {does he} need to buy it?",
            "~how far {is N} from {an item} for {$b} with {$x} saved?",
        ),
        unit="$", money=frozenset("by"),
    ),
    Relation(
        "afford", "purse", "", _affordable,
        {"b": "price of one"}, (step("y", "x / b", "number of {nouns}"),),
        (
            "each {noun} costs {$b}.", "{nouns} cost {$b} each.", "{S|spends} it all on {nouns} at {$b} each.",
            "one {noun} costs {$b}.", "~{an noun} is sold at {$b}.",
        ),
        (
            "how many {nouns} {can S} buy?", "how many {nouns} {can S} buy with {his} money?",
            "how many {nouns} can be bought?", "~how many {nouns} is that enough for?",
        ),
        (
            "how many {nouns} at {$b} each {can N} buy with {$x}?", "{an noun} costs {$b}. how many can you buy with {$x}?",
            "{N|!has} {$x}. {nouns} cost {$b} each. how many {can he} buy?", "~{$x} buys how many {nouns} at {$b} apiece?",
        ),
        unit="{nouns}", money=frozenset("b"),
    ),
    Relation(
        "split_bill", "bill", "", _split,
        {"b": "number of people"}, (step("y", "x / b", "share of each"),),
        (
            "the cost is shared equally by {b friends}.",
            "{b friends} {#split} the bill equally.", "the bill is split evenly among {b friends}.",
            "~the {b friends} at the table go equal shares.",
        ),
        (
            "how much does each {friend} pay?", "how much should each {friend} pay?", "what does each {friend} pay?",
            "~what is one person's part?",
        ),
        (
            "{b friends} {#split} a {$x} bill equally. how much does each pay?",
            "a bill of {$x} is shared equally by {b friends}. how much does each {friend} pay?",
            "if {b friends} share {$x} equally, how much does each one pay?",
            "~{$x} divided fairly between {b friends} is how much each?",
        ),
        unit="$", money=frozenset("y"),
    ),
    Relation(
        "price_of_one", "", "", _split,
        {"x": "total cost", "b": "number of {nouns}"}, (step("y", "x / b", "price of one"),),
        (
            "{N|pays} {$x} for {b nouns}.", "{b nouns} cost {$x}.", "{N|buys} {b nouns} for {$x} in total.",
            "{an box} of {b nouns} costs {$x}.", "~{N|gives} {$x} in exchange for {b} identical {nouns}.",
        ),
        (
            "how much does one {noun} cost?", "how much does each {noun} cost?", "what is the price of one {noun}?",
            "what is the cost per {noun}?", "~what is a single {noun} worth?",
        ),
        (
            "{b nouns} cost {$x}. how much is one {noun}?", "if {b nouns} cost {$x}, what is the cost of one {noun}?",
            "how much is each {noun} if {b} cost {$x}?", "~{b nouns} go for {$x}. what is the price per {noun}?",
        ),
        unit="$", money=frozenset("xy"), weight=1.5,
    ),
    Relation(
        "discount_percent", "bill", "bill", _off,
        {"p": "percent off"}, (step("z", "p / 100 * x", "discount"), step("y", "x - z", "price after discount")),
        (
            "there is a {p%} discount.", "{S|gets} {p%} off.", "the {shop} gives {p%} off.", "it is on sale for {p%} off.",
            "a coupon takes {p%} off the price.", "~the {shop} lowers the price by {p%}.",
        ),
        (
            "how much {does S} pay?", "what is the price after the discount?", "what is the sale price?",
            "how much does it cost now?", "what is the new price?", "~what is still to pay?",
        ),
        (
            "{an item} costs {$x} and is {p%} off. what is the sale price?", "what is {$x} with {p%} off?",
            "a {$x} {item} is discounted by {p%}. how much is it now?",
            "how much does {an item} that costs {$x} cost after a {p%} discount?", "~the price of {$x} drops by {p%}. what is the new one?",
        ),
        unit="$", money=_BILL,
    ),
    Relation(
        "discount_amount", "bill", "", _off,
        {"p": "percent off"}, (step("y", "p / 100 * x", "discount"),),
        ("there is a {p%} discount.", "{S|gets} {p%} off.", "~the price is lowered by {p%}."),
        (
            "how much {does S} save?", "how much is the discount?", "how much money {does S} save?", "~what is saved?",
        ),
        (
            "{an item} that costs {$x} is {p%} off. how much {does N} save?", "how much do you save with {p%} off {$x}?",
            "~what is the saving on {$x} at {p%} off?",
        ),
        unit="$", money=_BILL, weight=0.6,
    ),
    Relation(
        "tip", "bill", "bill", _added,
        {"p": "tip in percent"}, (step("z", "p / 100 * x", "tip"), step("y", "x + z", "total with tip")),
        (
            "{S|leaves} a {p%} tip.", "{S|adds} a {p%} tip.", "{S|tips} the waiter {p%}.", "{S|wants} to tip {p%}.",
            "~the waiter gets {p%} on top.",
        ),
        (
            "how much {does S} pay in total?", "what is the total with the tip?", "how much {does S} pay including the tip?",
            "~how much is paid in the end?",
        ),
        (
            "a meal costs {$x} and {N|leaves} a {p%} tip. how much {does he} pay in total?",
            "what is the total for a {$x} meal with a {p%} tip?", "~dinner is {$x}. with {p%} for the waiter, what does it cost?",
        ),
        unit="$", money=_BILL, weight=0.7,
    ),
    Relation(
        "tax", "bill", "bill", _added,
        {"p": "tax in percent"}, (step("z", "p / 100 * x", "tax"), step("y", "x + z", "total with tax")),
        ("there is a {p%} sales tax.", "the tax is {p%}.", "{p%} tax is added.", "~the state adds {p%} to it."),
        ("how much {does S} pay in total?", "what is the total with tax?", "how much does it cost with tax?", "~what is due, tax included?"),
        (
            "{an item} costs {$x} plus {p%} tax. what is the total?", "how much is a {$x} {item} with {p%} sales tax?",
            "~to {$x} comes a tax of {p%}. how much is to pay?",
        ),
        unit="$", money=_BILL, weight=0.7,
    ),
    Relation(
        "coupon", "bill", "bill", _voucher,
        {"b": "money off"}, (step("y", "x - b", "price after the coupon"),),
        (
            "{S|has} a coupon for {$b} off.", "{S|uses} a {$b} coupon.", "the {shop} takes {$b} off.", "~{S|saves} {$b} with a voucher.",
        ),
        ("how much {does S} pay?", "what is the final price?", "how much {does S} have to pay?", "~what is left to pay?"),
        (
            "{an item} costs {$x}. {N|uses} a coupon for {$b} off. how much {does he} pay?",
            "what is the price of a {$x} {item} with {$b} off?", "~a voucher of {$b} is used on {an item} for {$x}. what is paid?",
        ),
        unit="$", money=_BILL | {"b"}, weight=0.7,
    ),
    Relation(
        "delivery", "bill", "bill", own(b=within(1, 15)),
        {"b": "extra fee"}, (step("y", "x + b", "total with the fee"),),
        (
            "{S} also {|pays} {$b} for delivery.", "shipping costs {$b}.", "there is a {$b} delivery fee.",
            "{S} also {|buys} {an other} for {$b}.", "{S} {|leaves} a {$b} tip.", "~another {$b} is charged for gift wrap.",
        ),
        COST,
        (
            "{an item} costs {$x} and shipping costs {$b}. what is the total?",
            "how much is a {$x} {item} with a {$b} delivery fee?", "~{N|orders} {an item} for {$x}, plus {$b} postage. what is to pay?",
        ),
        unit="$", money=_BILL | {"b"},
    ),
    Relation(
        "wage", "", "purse", own(a=within(5, 30), b=within(2, 12)),
        {"a": "money per hour", "b": "hours worked"}, (step("y", "a * b", "money earned"),),
        (
            "{N|earns} {$a} per hour and {|works} {b hours}.", "{N|makes} {$a} an hour. {he|works} for {b hours}.",
            "{N|works} {b hours} at {$a} per hour.", "{N|is} paid {$a} an hour and {|works} {b hours}.",
            "{N|gets} {$a} for every hour. {he|works} {b hours}.", "~{N's} hourly pay is {$a}. {he|puts} in {b hours}.",
        ),
        EARNED,
        (
            "how much {does N} earn in {b hours} at {$a} an hour?", "{N|!earns} {$a} per hour. how much {does he} earn in {b hours}?",
            "if {N|!makes} {$a} an hour, how much {does he} make in {b hours}?",
            "~{b hours} of work at {$a} an hour bring {N} how much?",
        ),
        unit="$", money=frozenset("ay"), weight=1.5,
    ),
    Relation(
        "wage_days", "", "purse", own(a=within(5, 25), b=within(2, 9), c=within(2, 7)),
        {"a": "money per hour", "b": "hours a day", "c": "days"},
        (step("z", "b * c", "hours in all"), step("y", "z * a", "money earned")),
        (
            "{N|earns} {$a} an hour. {he|works} {b hours} a day for {c days}.",
            "{N|works} {b hours} a day, {c days} a week, for {$a} per hour.",
            "{N|works} {b hours} each day for {c days} and {|gets} {$a} an hour.",
            "~for {c days} {N|works} {b hours} daily at {$a} an hour.",
        ),
        EARNED, unit="$", money=frozenset("ay"),
    ),
    Relation(
        "hourly_rate", "", "", over("b", 2, 12),
        {"x": "money earned", "b": "hours worked"}, (step("y", "x / b", "money per hour"),),
        (
            "{N|earns} {$x} in {b hours}.", "{N|works} {b hours} and {|earns} {$x}.", "{N|gets} {$x} for {b hours} of work.",
            "~for {b hours} of work {N|is} paid {$x}.",
        ),
        (
            "how much {does S} earn per hour?", "how much {does S} make each hour?", "what is {his} hourly pay?", "~what is one hour worth?",
        ),
        (
            "if {N|!earns} {$x} in {b hours}, how much {does he} earn per hour?", "~{$x} for {b hours} is how much an hour?",
        ),
        unit="$", money=frozenset("xy"),
    ),
    Relation(
        "save_weekly", "", "purse", own(a=within(2, 40), b=within(2, 20)),
        {"a": "money per {period}", "b": "{periods}"}, (step("y", "a * b", "money saved"),),
        (
            "{N|saves} {$a} every {period} for {b periods}.",
            "{N|gets} {$a} a {period} for {b periods}.", "every {period} {N|puts} {$a} in {his} piggy bank. {he|does} this for {b periods}.",
            "each {period} {N|saves} {$a}. {b periods} go by.", "~{b periods} long {N|sets} {$a} aside each {period}.",
        ),
        (
            "how much money {does S} have?", "how much {does S} save in all?", "how much money {does S} save?",
            "how much money is that in total?", "~what sum comes together?",
        ),
        (
            "if {N|!saves} {$a} every {period}, how much will {he} have after {b periods}?",
            "{N|!saves} {$a} a {period}. how much {does he} save in {b periods}?",
            "~{$a} a {period} makes how much in {b periods}?",
        ),
        unit="$", money=frozenset("ay"), weight=1.5,
    ),
    Relation(
        "time_to_save", "", "", over("b", 2, 25),
        {"x": "price", "b": "money per {period}"}, (step("y", "x / b", "number of {periods}"),),
        (
            "{N|wants} {an item} that costs {$x}. {he|saves} {$b} each {period}.",
            "{an item} costs {$x}. {N|saves} {$b} every {period}.",
            "{N|needs} {$x} and {|saves} {$b} a {period}.", "~to get {an item} for {$x}, {N|lays} {$b} aside per {period}.",
        ),
        (
            "how many {periods} will it take {him} to save enough?", "how many {periods} {does S} need to save?",
            "after how many {periods} will {he} have enough?", "~for how many {periods} must {he} save?",
        ),
        unit="{periods}", money=frozenset("bx"),
    ),
    Relation(
        "profit", "", "", _goal,
        {"x": "cost", "b": "selling price"}, (step("y", "b - x", "profit"),),
        (
            "{N|buys} {an item} for {$x} and {|sells} it for {$b}.", "{N|makes} {an item} for {$x} and {|sells} it for {$b}.",
            "{N|pays} {$x} for {an item}. later {he|sells} it for {$b}.", "~{an item} that {N} got for {$x} goes for {$b}.",
        ),
        ("how much profit {does S} make?", "what is {his} profit?", "how much money {does S} gain?", "~what {does he} gain by it?"),
        unit="$", money=frozenset("bxy"),
    ),
    Relation(
        "tickets", "", "bill", own(a=few, b=within(5, 20), c=few, d=within(2, 12)),
        {"a": "adults", "b": "price for adults", "c": "children", "d": "price for children"},
        (step("v", "a * b", "cost for adults"), step("w", "c * d", "cost for children"), step("y", "v + w", "total cost")),
        (
            "adult tickets cost {$b} and child tickets cost {$d}. a family has {a adults} and {c children}.",
            "tickets are {$b} for adults and {$d} for children. {N|buys} tickets for {a adults} and {c children}.",
            "~for {a adults} at {$b} each and {c children} at {$d} each, {N|gets} tickets.",
        ),
        ("how much do the tickets cost in total?", "what is the total cost?", "how much do they pay altogether?", "~what do all the tickets come to?"),
        unit="$", money=frozenset("bdvwy"), weight=0.6,
    ),
    Relation(
        "fee_and_rate", "", "bill", own(a=within(5, 60), b=within(2, 30), c=within(2, 9)),
        {"b": "price per {span}", "c": "number of {spans}", "a": "fee"},
        (step("z", "b * c", "price for the {spans}"), step("y", "z + a", "total cost")),
        (
            "{an rental} costs {$a} plus {$b} per {span}. {N|rents} it for {c spans}.",
            "{N|rents} {an rental} for {c spans}. the price is {$b} per {span} plus a fee of {$a}.",
            "~for {an rental} one pays {$a} once and {$b} for each {span}. {N|keeps} it {c spans}.",
        ),
        COST, unit="$", money=frozenset("abyz"), weight=0.6,
    ),
    Relation(
        "coins", "", "purse", own(a=few, b=lambda rng: rng.choice((1, 5, 10, 20, 50))),
        {"a": "number of bills", "b": "value of a bill"}, (step("y", "a * b", "money in all"),),
        (
            "{N|has} {a} {$b} bills.", "{N|gets} {a} bills of {$b} each.", "{N|has} {a} notes worth {$b} each.",
            "~in {N's} wallet are {a} bills of {$b}.",
        ),
        ("how much money {does S} have?", "how much money is that?", "how much is that in total?", "~what are they worth?"),
        unit="$", money=frozenset("by"), weight=0.5,
    ),
    Relation(
        "price_difference", "", "", _goal,
        {"b": "price of the {noun}", "x": "price of the {other}"}, (step("y", "b - x", "difference in price"),),
        (
            "{an noun} costs {$b} and {an other} costs {$x}.", "{an noun} costs {$b}. {an other} costs {$x}.",
            "the {shop} sells {an noun} for {$b} and {an other} for {$x}.", "~one pays {$b} for {an noun} but {$x} for {an other}.",
        ),
        (
            "how much more does the {noun} cost than the {other}?", "how much cheaper is the {other}?",
            "what is the difference in price?", "how much more expensive is the {noun}?", "~by how much is the {other} cheaper?",
        ),
        unit="$", money=frozenset("bxy"),
    ),
    Relation(
        "costs_more", "", "bill", _goal,
        {"x": "price of the {noun}", "b": "price difference"}, (step("y", "x + b", "price of the {other}"),),
        (
            "{an noun} costs {$x}. {an other} costs {$b} more.", "{an other} costs {$b} more than {an noun}. the {noun} costs {$x}.",
            "~the price of {an other} is {$b} above that of {an noun}, which is {$x}.",
        ),
        ("how much does the {other} cost?", "what is the price of the {other}?", "what does the {other} cost?", "~what must one pay for the {other}?"),
        (
            "{an noun} costs {$x} and {an other} costs {$b} more. how much is the {other}?",
            "~{an other} is {$b} dearer than {an noun} at {$x}. what is its price?",
        ),
        unit="$", money=_BILL | {"b"}, weight=0.6,
    ),
)
