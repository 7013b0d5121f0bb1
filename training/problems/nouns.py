"""Things that problems count, what holds them and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


def words(text: str) -> list[str]:
    """A list of words, written as text."""
    return text.split()


_IRREGULAR = {
    "child": "children",
    "person": "people",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "fish": "fish",
    "sheep": "sheep",
    "deer": "deer",
    "loaf": "loaves",
    "shelf": "shelves",
    "leaf": "leaves",
    "knife": "knives",
    "tooth": "teeth",
    "fisherman": "fishermen",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "mango": "mangoes",
    "inch": "inches",
    "cookie": "cookies",
    "brownie": "brownies",
    "pie": "pies",
    "movie": "movies",
    "hero": "heroes",
    "half": "halves",
    "calf": "calves",
    "scarf": "scarves",
}
_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}


def pluralize(noun: str) -> str:
    """The plural; of several words, the last is inflected."""
    *front, last = noun.split(" ")
    return " ".join((*front, _plural_word(last)))


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def singularize(noun: str) -> str:
    """The singular of a plural that `pluralize` made."""
    *front, last = noun.split(" ")
    if last in _SINGULAR:
        last = _SINGULAR[last]
    elif last.endswith("ies"):
        last = last[:-3] + "y"
    elif last.endswith(("sses", "xes", "zes", "ches", "shes")):
        last = last[:-2]
    elif last.endswith("s"):
        last = last[:-1]
    return " ".join((*front, last))


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    vowel = noun[0].lower() in "aeiou" and not noun.startswith(("uni", "use", "one", "eu"))
    return f"{'an' if vowel or noun.startswith('hour') else 'a'} {noun}"


@dataclass(frozen=True, slots=True)
class Noun:
    """A countable noun."""

    one: str
    many: str

    @classmethod
    def of(cls, one: str) -> Noun:
        return cls(one, pluralize(one))


def _nouns(text: str) -> tuple[Noun, ...]:
    return tuple(Noun.of(word.replace("_", " ")) for word in words(text))


def _units(text: str) -> tuple[Noun, ...]:
    """Abbreviated units, which have no plural."""
    return tuple(Noun(unit, unit) for unit in words(text))


FOOD = _nouns("""apple orange banana pear peach plum mango lemon lime kiwi melon cherry strawberry
grape fig date apricot coconut pineapple tomato potato carrot onion pepper cucumber radish turnip
mushroom cookie cupcake muffin donut bagel sandwich pancake waffle pie pizza taco burrito samosa
dumpling pretzel brownie candy sweet lollipop chocolate gumdrop jelly_bean egg egg_roll sausage
meatball cracker biscuit cake tart scone roll loaf walnut almond peanut chestnut olive candy_bar
chocolate_bar granola_bar ice_cream mint date_bar rice_cake spring_roll""")

THINGS = _nouns("""marble pencil pen crayon marker eraser ruler notebook book comic magazine sticker
stamp card postcard coin button bead shell rock pebble stone ribbon balloon toy doll teddy_bear
toy_car toy_train robot puzzle game ball tennis_ball baseball football kite yo-yo block brick
key badge ring bracelet necklace hat cap scarf shirt sock glove shoe jacket sweater towel blanket
pillow candle lamp cup mug plate bowl spoon fork knife bottle jar basket bag box envelope letter
ticket poster picture photo painting frame photograph magnet battery light_bulb nail screw tile
flower rose tulip daisy sunflower seed plant tree leaf feather acorn pinecone seashell paper_clip
folder binder DVD video_game CD mask flag whistle drum paintbrush sketch origami_crane bandage
trading_card baseball_card action_figure hair_clip keychain water_bottle bookmark glue_stick""")

ANIMALS = _nouns("""dog cat bird fish duck chicken hen cow goat sheep horse pig rabbit frog turtle
butterfly bee ant ladybug squirrel monkey penguin pigeon sparrow goose deer lizard snail parrot
hamster elephant lion seal dolphin fox owl spider worm cricket mouse""")

PEOPLE = _nouns("""student child person passenger visitor guest player worker teacher boy girl
dancer singer swimmer runner camper tourist customer fan volunteer""")

PLURAL_PLACES: tuple[tuple[str, str], ...] = (
    ("in the basket", "food"),
    ("in the bowl", "food"),
    ("in the fridge", "food"),
    ("on the table", "food"),
    ("on the plate", "food"),
    ("in the kitchen", "food"),
    ("in the box", "thing"),
    ("on the shelf", "thing"),
    ("in the drawer", "thing"),
    ("in the bag", "thing"),
    ("in the closet", "thing"),
    ("on the desk", "thing"),
    ("in the warehouse", "thing"),
    ("in the shop", "thing"),
    ("in the classroom", "thing"),
    ("in the pond", "animal"),
    ("in the park", "animal"),
    ("on the farm", "animal"),
    ("in the field", "animal"),
    ("in the zoo", "animal"),
    ("in the barn", "animal"),
    ("in the garden", "animal"),
    ("under the tree", "animal"),
    ("on the bus", "people"),
    ("on the train", "people"),
    ("in the room", "people"),
    ("at the party", "people"),
    ("in the museum", "people"),
    ("in the library", "people"),
    ("in the pool", "people"),
    ("in the gym", "people"),
    ("at the playground", "people"),
    ("in the class", "child"),
    ("at the party", "child"),
    ("in the park", "child"),
    ("at camp", "child"),
    ("in the theater", "people"),
    ("in the hall", "people"),
    ("at the beach", "people"),
)
FRUIT = _nouns("apple orange banana pear peach plum mango lemon lime kiwi melon strawberry coconut")
POOLS = {
    "food": FOOD,
    "thing": THINGS,
    "animal": ANIMALS,
    "people": PEOPLE,
    "fruit": FRUIT,
    "child": _nouns("child"),
}
LENGTHS = (*_nouns("meter foot yard inch centimeter meter foot"), *_units("cm m ft"))
DISTANCES = (*_nouns("mile kilometer mile"), *_units("km"))
WEIGHTS = (*_nouns("pound kilogram pound"), *_units("kg"))
VOLUMES = _nouns("liter gallon")
PERIODS = _nouns("week month day")
SPANS = _nouns("hour day minute")
ITEMS = _nouns(
    """bike jacket phone video_game skateboard guitar watch tablet camera laptop umbrella
    helmet backpack scooter printer dress coat lamp telescope board_game chair desk radio"""
)
MAKES = _nouns("toy bolt bottle chair cookie car shirt box part cake loaf screw hat basket card")
GOALS = _nouns("goal basket shot throw hit")
SEXES = _nouns("boy girl")
BEASTS = _nouns("dog cat cow horse sheep pig rabbit goat")
KIN = words("brother sister friend mother father cousin neighbor teacher classmate uncle aunt")
VEHICLES = words("car train bus truck bike van boat plane")
PLOTS = words("garden field room yard playground park farm patio floor poster pool")
ROPES = words("rope ribbon string wire pipe board cable")
MASSES = words("flour sugar rice apples potatoes sand nuts butter cheese oats")
PIES = words("pizza pie cake")
DRINKS = words("water milk juice lemonade tea")
RENTALS = words("bike car boat van tent canoe")

CONTAINERS = _nouns("""bag box basket jar packet carton crate tray bucket case bin sack pack
container bowl drawer tin pouch""")
ROWS = _nouns("row shelf column stack pile line page table group")
GROUPS = _nouns("class team group family table club bus room tent van boat")
FRIENDS = _nouns("friend child student classmate cousin neighbor guest kid player teammate person")
_SOUNDS = (
    words("b bl br c cl cr d dr f fl g gl gr j k l m n p pl pr qu r sk sl sn sp st t tr v w z"),
    words("a e i o u oo ee ai"),
    words("b bble ck ckle d g ggle ll llow m mble n nd ng nk nt p r rk rm rp t tter"),
)
SHOPS = words("store shop market supermarket bakery mall fair corner_store bookstore flea_market")
COLORS = words("red blue green yellow white black purple orange pink brown silver gold")
DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")


def invented(rng: Random) -> Noun:
    """A thing that doesn't exist, so that nouns are copied, not recognised."""
    return Noun.of("".join(rng.choice(part) for part in _SOUNDS))
