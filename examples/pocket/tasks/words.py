"""The words that prompts are made of. Few and short, so that a small vocabulary holds each as one token."""

NAMES = (
    "Ana", "Bo", "Cy", "Dee", "Eva", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lea", "Max", "Nia",
    "Otto", "Pia", "Ravi", "Sam", "Tia", "Uma", "Vic", "Wes", "Yan", "Zoe",
)  # fmt: skip
CITIES = ("Oslo", "Rome", "Lima", "Bonn", "Cork", "Kyiv", "Bern", "Graz", "Nice", "York", "Pisa", "Riga")
ITEMS = (
    "pen", "cup", "tea", "ink", "lamp", "desk", "tape", "card", "soap", "rope", "nail", "box", "bag",
    "fan", "mat", "jar",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
