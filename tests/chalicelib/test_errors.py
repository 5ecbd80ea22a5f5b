from __future__ import annotations

import inspect
import re

from chalicelib import errors


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    classes = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.RecdropError) and kind is not errors.RecdropError
    }
    assert set(drawn) == classes
    assert len(drawn) == len(set(drawn))


def test_an_aws_error_says_the_code_and_the_services_words() -> None:
    error = errors.Missing("NoSuchKey", "The key is gone.")
    assert str(error) == "NoSuchKey: The key is gone."
