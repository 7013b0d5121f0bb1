"""People: given names of many cultures, and the words that stand for a person in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from training.problems.nouns import words

SHE = words(
    """Aaliyah Abigail Adaeze Aiko Aisha Alejandra Alice Alina Amara Amelia Amina Amy Ana Ananya
    Anita Anna Anya Asha Astrid Ava Ayesha Beatriz Bella Betty Bianca Camila Carla Carmen Caroline
    Catalina Charlotte Chiara Chloe Claire Daisy Dalia Daniela Diana Divya Elena Eleni Elif Elise
    Ella Emily Emma Esra Esther Eva Farah Fatima Fiona Freya Gabriela Giulia Grace Greta Habiba
    Hana Hannah Harper Hatice Helen Hoa Ines Ingrid Irina Isabella Isla Ivy Jana Jane Jasmine
    Jessica Jing Julia Kamala Karen Katarina Kate Kavya Keiko Lakshmi Lan Laila Laura Layla Leah
    Leila Lena Lily Lin Linh Lisa Lucia Lucy Lupita Mai Maria Mariam Marta Mary Maya Mei Mia
    Michelle Mina Molly Nadia Nala Naomi Natalia Nia Nina Noor Nora Olga Olivia Paula Penelope
    Petra Pilar Priya Rachel Rania Rosa Ruby Sakura Salma Samira Sara Sarah Seo-yeon Shreya Sofia
    Sonia Sophie Stella Sunita Susan Tamar Tania Thandiwe Valentina Vera Victoria Wanjiru Ximena
    Yara Yuki Yuna Zahra Zara Zoe Zofia"""
)

HE = words(
    """Aaron Abdul Adam Ahmed Aidan Akira Alan Alejandro Ali Amir Andre Andrei Andrew Anil Anton
    Antonio Arjun Arthur Ben Benjamin Bilal Billy Bob Brian Bruno Carl Carlos Charlie Chen Chidi
    Chris Daniel Dario David Deepak Dev Diego Dmitri Dylan Eduardo Elias Emeka Emil Emre Enzo Eric
    Ethan Farid Felipe Felix Fernando Finn Francisco Frank George Giovanni Hamza Hans Haruto
    Hassan Henry Hiroshi Hugo Hussein Ian Ibrahim Igor Isaac Ivan Jack Jacob Jamal James Jan
    Javier Jerome Jin Joao John Jorge Jose Joseph Josh Juan Kai Karim Kenji Kevin Khalid Kofi
    Kwame Lars Leo Liam Logan Lorenzo Luca Lucas Luis Luke Mateo Mark Marcus Mario Martin Matthew
    Max Miguel Mike Milan Minh Mohammed Nathan Nikhil Nikolai Noah Oliver Omar Oscar Otto Pablo
    Patrick Paul Pavel Pedro Peter Quang Rafael Rahul Raj Ravi Ricardo Robert Rohan Ruben Ryan Sam
    Samir Samuel Sanjay Santiago Sean Sergei Simon Stefan Tariq Tendai Thabo Theo Thomas Tim Tom
    Tomas Tony Umar Victor Vikram Vincent Wei William Xavier Yusuf Zachary Zane"""
)

THEY = words(
    """Alex Ariel Avery Blake Casey Charlie Dakota Eden Jamie Jordan Kim Morgan Quinn Riley Robin
    Rowan Sage Sasha Skyler Taylor"""
)

ROLES = words(
    """farmer baker teacher gardener painter cook librarian shopkeeper carpenter driver florist
    student doctor builder waiter fisherman musician tailor coach nurse scientist mechanic
    collector runner girl boy man woman"""
)

KIN = (
    ("my brother", "he"),
    ("my sister", "she"),
    ("my friend", "they"),
    ("my mom", "she"),
    ("my dad", "he"),
    ("my uncle", "he"),
    ("my aunt", "she"),
    ("my cousin", "they"),
    ("my grandmother", "she"),
    ("my grandfather", "he"),
    ("my neighbor", "they"),
)
_ONSETS = words(
    "B Br Bel D Dar Dr El F Gal H Il J K Kal L Lo M Mar N Or P Qu R S Sh Sol T Th Tr U V W Y Z"
)
_MIDDLES = words("a ai an ar e el en er i il in ir o ol on or u un ya")
_CODAS = words(
    "ba bel da den do dra la lan len lia lo ma mir na nell no ra ric ris ro ta ton va vi"
)
_INVENTED = 0.08
"""Share of names that no list holds: users' names aren't on ours either."""
_GENDERED = {"fisherman": "he", "boy": "he", "man": "he", "girl": "she", "woman": "she"}
_FORMS = {
    "he": ("he", "him", "his"),
    "she": ("she", "her", "her"),
    "they": ("they", "them", "their"),
    "I": ("I", "me", "my"),
    "you": ("you", "you", "your"),
    "we": ("we", "us", "our"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """How to speak of someone. `first` is the first mention ("a baker"), `name` any later one."""

    first: str
    name: str
    pronoun: str

    @property
    def speaks(self) -> bool:
        """Whether the person is "I", "we" or "you", who have no other name."""
        return self.pronoun in ("I", "we", "you")

    @property
    def subject(self) -> str:
        return _FORMS[self.pronoun][0]

    @property
    def object(self) -> str:
        return _FORMS[self.pronoun][1]

    @property
    def possessive(self) -> str:
        return _FORMS[self.pronoun][2]

    @property
    def name_possessive(self) -> str:
        return self.possessive if self.speaks else f"{self.name}'s"


def named(rng: Random, exclude: frozenset[str] = frozenset()) -> Person:
    """Someone with a given name whose pronoun isn't among those to exclude."""
    pools = [(n, p) for n, p in (("he", HE), ("she", SHE)) if n not in exclude]
    if "they" not in exclude and rng.random() < 0.05:
        pools = [("they", THEY)]
    pronoun, pool = rng.choice(pools)
    name = invented(rng) if rng.random() < _INVENTED else rng.choice(pool)
    return Person(name, name, pronoun)


def invented(rng: Random) -> str:
    """A name nobody has, as far as we know."""
    return rng.choice(_ONSETS) + rng.choice(_MIDDLES) + rng.choice(_CODAS)


def protagonist(rng: Random) -> Person:
    """Whom a problem is about: mostly someone named, at times "I", "a baker", "my sister"."""
    roll = rng.random()
    if roll < 0.8:
        return named(rng)
    if roll < 0.88:
        pronoun = rng.choices(("I", "you", "we"), (5, 2, 1))[0]
        return Person(pronoun, pronoun, pronoun)
    if roll < 0.94:
        role = rng.choice(ROLES)
        pronoun = _GENDERED.get(role) or rng.choice(("he", "she", "they"))
        return Person(f"a {role}", f"the {role}", pronoun)
    kin, pronoun = rng.choice(KIN)
    return Person(kin, kin, pronoun)
