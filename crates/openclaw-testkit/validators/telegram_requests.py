"""Checks calls of the Telegram Bot API against aiogram's models, made strict.

Reads JSON lines of {"method", "params"} on standard input, as `FakeBot::journal_lines` writes them.
Prints what is wrong with which line; exit status 1 if anything is.
"""

import inspect
import json
import sys

import aiogram.methods as methods
import aiogram.types as types
from aiogram.methods.base import TelegramMethod
from aiogram.types.base import TelegramObject
from pydantic import ValidationError


def forbid_unknown_fields():
    """Without it a wrong nested object passes, because some model of a union accepts anything."""
    classes = [
        item
        for item in [*vars(types).values(), *vars(methods).values()]
        if inspect.isclass(item)
        and issubclass(item, (TelegramObject, TelegramMethod))
        and item is not TelegramMethod
    ]
    for item in classes:
        item.model_config["extra"] = "forbid"
        item.__pydantic_complete__ = False
    for item in classes:
        item.model_rebuild(force=True)


def model_of(method):
    return getattr(methods, method[:1].upper() + method[1:], None)


def faults(entry):
    model = model_of(entry["method"])
    if model is None:
        return ["unknown method"]
    try:
        model.model_validate(entry["params"])
    except ValidationError as error:
        # Of a union every member complains; the first few say enough.
        return [
            ".".join(str(part) for part in fault["loc"]) + ": " + fault["msg"]
            for fault in error.errors()[:4]
        ]
    return []


def main():
    forbid_unknown_fields()
    wrong = 0
    checked = 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        entry = json.loads(line)
        checked += 1
        for fault in faults(entry):
            wrong += 1
            print(f"line {number}: {entry['method']}: {fault}: {json.dumps(entry['params'])}")
    print(f"{checked} calls checked, {wrong} faults")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
