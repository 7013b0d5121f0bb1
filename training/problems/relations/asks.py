"""Questions that several relation kinds share."""

from __future__ import annotations

COST = (
    "how much {does S} spend?",
    "how much {does S} pay in total?",
    "what is the total cost?",
    "how much does it cost altogether?",
    "how much money {does S} spend?",
    "how much {does S} pay?",
    "find the total cost.",
    "how much must {S} pay?",
    "what is the total price?",
    "~what does it all come to?",
    "~how much money {does S} hand over?",
)
LEFT = (
    "how many {nouns} {does S} have left?",
    "how many {nouns} are left?",
    "how many {nouns} {does S} have now?",
    "how many {nouns} {does S} still have?",
    "how many {nouns} remain?",
    "find the number of {nouns} left.",
    "how many {nouns} will {S} have left?",
    "~how many {nouns} {is S} left with?",
    "~what number of {nouns} remains with {him}?",
)
TOTAL = (
    "how many {nouns} {does S} have in total?",
    "how many {nouns} {does S} have?",
    "how many {nouns} {does S} have altogether?",
    "how many {nouns} are there?",
    "what is the total number of {nouns}?",
    "find the total number of {nouns}.",
    "~how many {nouns} is that altogether?",
    "~count all the {nouns}. how many are there?",
)
NOW = (
    "how many {nouns} {does S} have now?",
    "how many {nouns} {does S} have in all?",
    "now how many {nouns} {does S} have?",
    "what is the number of {nouns} {S|!has} now?",
    "find how many {nouns} {S|!has} now.",
    "how many {nouns} {does S} have altogether?",
    "~how many {nouns} {is S} holding on to now?",
    "~what is {S's} new total of {nouns}?",
)
TOGETHER = (
    "how many {nouns} do they have altogether?",
    "how many {nouns} do they have in total?",
    "how many {nouns} do they have together?",
    "how many {nouns} do the two of them have in all?",
    "find the total number of {nouns}.",
    "~what do their {nouns} add up to?",
    "~counting both, how many {nouns} are there?",
)
OF_M = (
    "how many {nouns} {does M} have?",
    "find how many {nouns} {M|!has}.",
    "what is the number of {nouns} {M|!has}?",
    "~how many {nouns} belong to {M}?",
)
