"""Requests to triage as urgent or normal: plain words, negated ones, threads whose messages undo each other.

In a thread each message sets the priority anew or tells to ignore the message before it, which restores
the priority before that one.
"""

from random import Random

from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import ITEMS, NAMES

_PRESSING = ("asap", "right now", "at once", "immediately", "within the hour")
_CALM = ("some day", "next month", "at leisure", "when free", "next year")
_DOUBLE = {
    "urgent": ("can not wait", "no time to lose", "not for later", "do not delay"),
    "normal": ("not urgent", "no rush", "not asap", "do not hurry"),
}
_ASK = ("Triage: {}", "Urgent or normal? {}", "Priority? {}")
_WANTS = ("needs a {}", "ordered a {}", "lost the {}", "wants the {} back")


def _plain(rng: Random, label: str) -> str:
    return rng.choice(_PRESSING if label == "urgent" else _CALM)


def _note(rng: Random, signal: str) -> str:
    want = rng.choice(_WANTS).format(rng.choice(ITEMS))
    return f"{rng.choice(NAMES)} {want}, {signal}."


def _misleading(rng: Random, label: str) -> tuple[str, str]:
    """Two notes about one want: the first is what somebody thought, the second is what holds."""
    other = "normal" if label == "urgent" else "urgent"
    signal = rng.choice(_DOUBLE[label])
    first, second = rng.sample(NAMES, 2)
    said = rng.choice((_plain(rng, other), rng.choice(_DOUBLE[other])))
    item = rng.choice(ITEMS)
    if rng.random() < 0.5:
        return f"{first} says {said}, but {second} owns the {item}: {signal}.", f"{second}: {signal}"
    return f"The {item} of {second}: {signal}, though {first} said {said}.", f"{second}: {signal}"


def _message(rng: Random, speakers: list[str], states: list[str]) -> tuple[str, str]:
    """Returns what the next speaker says, given all before, and the label that then holds."""
    if len(states) > 1 and rng.random() < 0.6:
        return f"ignore {speakers[len(states) - 1]}", states[-2]
    state = rng.choice(("urgent", "normal"))
    return _plain(rng, state), state


def _thread(rng: Random, label: str) -> tuple[str, str]:
    """Four or five messages after which `label` holds."""
    while True:
        speakers, states, lines = rng.sample(NAMES, rng.randint(4, 5)), list[str](), []
        for speaker in speakers:
            said, state = _message(rng, speakers, states)
            lines.append(f"{speaker}: {said}.")
            states.append(state)
        if states[-1] == label:
            working = ", ".join(f"{name} {state}" for name, state in zip(speakers, states, strict=True))
            return " ".join(lines), working


def make(rng: Random, level: int) -> Sample:
    """Returns one request; both labels are equally frequent at every level."""
    label = rng.choice(("urgent", "normal"))
    if level == 1:
        signal = _plain(rng, label)
        text, reasoning = _note(rng, signal), signal
    else:
        text, reasoning = (_misleading if level == 2 else _thread)(rng, label)
    return Sample("classify", level, rng.choice(_ASK).format(text), label, reasoning)
