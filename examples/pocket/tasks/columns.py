"""Written arithmetic, one column a step from the right, as a scratchpad. It decides the notation only.

Each column reads two digits and what the column before it carried, so a small model can follow it exactly.
"""


def _digits(number: int, width: int) -> list[int]:
    return [int(digit) for digit in reversed(str(number).zfill(width))]


def add(left: int, right: int) -> str:
    """Adds by columns: `58+67:8+7=15,5+6+1=12=125`."""
    width = max(len(str(left)), len(str(right)))
    steps, carry = [], 0
    for top, bottom in zip(_digits(left, width), _digits(right, width), strict=True):
        total = top + bottom + carry
        steps.append(f"{top}+{bottom}{'+1' if carry else ''}={total}")
        carry = total // 10
    return f"{left}+{right}:{','.join(steps)}={left + right}"


def subtract(left: int, right: int) -> str:
    """Subtracts a smaller number by columns, borrowing ten where needed: `52-17:12-7=5,5-1-1=3=35`."""
    width = len(str(left))
    steps, borrow = [], 0
    for top, bottom in zip(_digits(left, width), _digits(right, width), strict=True):
        taken = f"-{bottom}{'-1' if borrow else ''}"
        lacking = top < bottom + borrow
        steps.append(f"{top + 10 * lacking}{taken}={top + 10 * lacking - bottom - borrow}")
        borrow = int(lacking)
    return f"{left}-{right}:{','.join(steps)}={left - right}"


def multiply(left: int, digit: int) -> str:
    """Multiplies by one digit, by columns: `47*6:7*6=42,4*6+4=28=282`."""
    steps, carry = [], 0
    for top in _digits(left, len(str(left))):
        total = top * digit + carry
        steps.append(f"{top}*{digit}{f'+{carry}' if carry else ''}={total}")
        carry = total // 10
    return f"{left}*{digit}:{','.join(steps)}={left * digit}"


def add_all(numbers: tuple[int, ...]) -> str:
    """Adds several numbers, one after the other."""
    total, steps = numbers[0], []
    for number in numbers[1:]:
        steps.append(add(total, number))
        total += number
    return ";".join(steps)
