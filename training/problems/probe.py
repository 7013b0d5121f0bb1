"""Forty school problems written by hand, in words of their own: never trained on.

They are what a visitor would type: one or two steps, everyday things. The generator's wordings are
not made to fit them, so that they tell how far a checkpoint gets beyond the generator.
"""

from __future__ import annotations

from typing import Final

from training.problems.problem import Problem, problem_id

_ONE: Final = (
    ("Tom has 5 apples. He buys 7 more. How many apples does he have?", "12"),
    ("There were 18 birds on a wire. 6 flew off. How many birds stayed?", "12"),
    ("A pack of gum has 15 sticks. How many sticks are in 6 packs?", "90"),
    ("Grandma knitted 24 mittens. How many pairs is that?", "12"),
    ("My sister read 45 pages yesterday and 38 pages today. How many pages is that?", "83"),
    ("We picked 56 strawberries and put the same number on each of 7 plates. How many were on a "
     "plate?", "8"),
    ("Jake had some stickers. His teacher gave him 9 and now he has 31. How many did he start "
     "with?", "22"),
    ("Each ticket to the fair is $4. How much will 8 tickets be?", "32"),
    ("Ben is 11 and his brother is 4 years older. How old is his brother?", "15"),
    ("A baker made 120 rolls and sold 87 of them by noon. How many rolls are left?", "33"),
    ("Maya ran 3 miles every day this week. How many miles did she run in 7 days?", "21"),
    ("The bus had 42 kids. 25 of them are girls. How many boys are on the bus?", "17"),
    ("What is 25% of 80?", "20"),
    ("Sam needs 50 points to win a prize. So far he has 32. How many more points does he need?",
     "18"),
    ("A rope 36 feet long is cut into 4 equal pieces. How long is each?", "9"),
    ("Leo weighs 64 pounds and his dog weighs 27 pounds. How much heavier is Leo?", "37"),
    ("I bought a sandwich for $6.50 and a drink for $2.25. What did I spend?", "8.75"),
    ("Nora drank 2 glasses of water at breakfast, 3 at lunch and 4 at dinner. How many glasses did "
     "she drink?", "9"),
    ("A car drives 60 miles an hour. How far does it get in 5 hours?", "300"),
    ("half of the 30 students walk to school. how many students walk", "15"),
    ("If a movie starts at 3 o'clock and lasts 2 hours, when does it end?", "5"),
    ("Our garden is 8 meters long and 5 meters wide. What is its area?", "40"),
)  # fmt: skip
_TWO: Final = (
    ("Lily has 4 boxes with 6 crayons in each. She loses 5 crayons. How many crayons does she have "
     "left?", "19"),
    ("Pens are $2 each. Omar buys 6 and pays with a $20 bill. How much change does he get?", "8"),
    ("There are 12 red cars and twice as many blue cars in the parking lot. How many cars are "
     "there?", "36"),
    ("Ana has 15 candies. She eats 3 and shares the rest equally with her 3 friends, so 4 people "
     "get some. How many does each person get?", "3"),
    ("A farmer collects 14 eggs in the morning and 10 in the afternoon. He packs them 6 to a "
     "carton. How many cartons does he need?", "4"),
    ("Chris had $50. He bought a shirt for $18 and a hat for $12. How much money does he have now?",
     "20"),
    ("Emma saved $5 a week for 8 weeks and then spent $15. How much does she have left?", "25"),
    ("Dad baked 36 cookies. We ate 10, and he gave 8 to the neighbors. How many are left?", "18"),
    ("A jacket costs $80 and is on sale for 25% off. How much is it now?", "60"),
    ("Ravi has 9 toy cars. Kim has 3 more than Ravi. How many do the two have together?", "21"),
    ("A class of 28 went on a trip. 4 were sick and stayed home. The others rode in 6 vans. How "
     "many were in each van?", "4"),
    ("Nina works 3 hours a day, 5 days a week, at $10 an hour. What does she earn in a week?",
     "150"),
    ("Mia's book has 100 pages. She reads 15 pages a day. How many pages are left after 4 days?",
     "40"),
    ("Two pizzas are cut into 8 slices each. The family eats 11 slices. How many slices remain?",
     "5"),
    ("Oranges cost $3 per pound and bananas $1 per pound. What do 4 pounds of oranges and 2 pounds "
     "of bananas cost?", "14"),
    ("I had 20 marbles. I won 6 in a game but then lost 9. How many have I got?", "17"),
    ("A train has 5 cars with 40 seats each. 170 seats are taken. How many are free?", "30"),
    ("Jon scored 12, 15 and 18 points in three games. What was his average?", "15"),
)  # fmt: skip


def problems() -> list[Problem]:
    """The forty problems, those with one operation first."""
    return [
        Problem(
            id=problem_id(question, answer),
            question=question,
            answer=answer,
            source="probe",
            split="handwritten",
            operations=operations,
        )
        for operations, pairs in ((1, _ONE), (2, _TWO))
        for question, answer in pairs
    ]
