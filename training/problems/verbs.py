"""Conjugation of the verbs that the wordings use."""

from __future__ import annotations

from training.problems.nouns import words

_IRREGULAR_PAST = dict(
    pair.split(":")
    for pair in words(
        """be:was have:had do:did give:gave lose:lost eat:ate find:found buy:bought sell:sold
        break:broke get:got take:took make:made pay:paid spend:spent put:put read:read run:ran
        ride:rode drive:drove write:wrote win:won keep:kept leave:left go:went come:came
        send:sent throw:threw build:built catch:caught grow:grew hold:held cut:cut bring:brought
        swim:swam fly:flew draw:drew see:saw tell:told hide:hid swap:swapped drop:dropped
        stop:stopped plan:planned split:split set:set cost:cost drink:drank blow:blew lend:lent
        sew:sewed bake:baked feed:fed shut:shut begin:began think:thought stand:stood sit:sat
        hand:handed lay:laid rise:rose fall:fell hear:heard wear:wore sleep:slept meet:met
        teach:taught shoot:shot let:let know:knew jog:jogged pop:popped chop:chopped
        trip:tripped trim:trimmed hit:hit tip:tipped snip:snipped sing:sang deal:dealt wake:woke
        grab:grabbed steal:stole spot:spotted spread:spread babysit:babysat beat:beat fit:fit
        shop:shopped hug:hugged beg:begged pick:picked"""
    )
)
_PLURAL = ("they", "we", "you")
_THIRD = {"be": "is", "have": "has", "do": "does", "go": "goes"}
_BASE_OF_THIRD = {third: base for base, third in _THIRD.items()}


def base_of(third: str) -> str:
    """The base form of a third person singular ("carries" → "carry")."""
    if third in _BASE_OF_THIRD:
        return _BASE_OF_THIRD[third]
    if third.endswith("ies"):
        return third[:-3] + "y"
    if third.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return third[:-2]
    return third[:-1]


_PARTICIPLES = dict(
    pair.split(":")
    for pair in words(
        """be:been do:done give:given eat:eaten break:broken take:taken ride:ridden drive:driven
        write:written go:gone come:come throw:thrown grow:grown swim:swum fly:flown draw:drawn
        see:seen hide:hidden drink:drunk begin:begun fall:fallen wear:worn know:known run:run
        get:gotten wake:woken sing:sung steal:stolen show:shown"""
    )
)


def participle(base: str) -> str:
    """The past participle of a verb's base form ("give" → "given")."""
    return _PARTICIPLES.get(base) or _past(base, "he")


def conjugate(third: str, pronoun: str, *, past: bool) -> str:
    """The form of a verb, given in the third person singular, for a subject and a tense."""
    if third in ("will", "can", "must"):
        return third
    base = base_of(third)
    if past:
        return _past(base, pronoun)
    if base == "be":
        return {"I": "am", **dict.fromkeys(_PLURAL, "are")}.get(pronoun, "is")
    return base if pronoun in ("I", *_PLURAL) else third


def _past(base: str, pronoun: str) -> str:
    if base == "be":
        return "were" if pronoun in _PLURAL else "was"
    if base in _IRREGULAR_PAST:
        return _IRREGULAR_PAST[base]
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + "ed"
