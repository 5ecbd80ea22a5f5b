from __future__ import annotations

import pytest

from chalicelib.normalise.errors import DataRejected, FileRejected, SetRejected


@pytest.mark.parametrize("kind", [FileRejected, SetRejected])
def test_a_refusal_has_a_code_for_programs_and_a_message_for_people(
    kind: type[DataRejected],
) -> None:
    error = kind("no-rows", "The file has a header and no rows.")
    assert (error.code, str(error)) == ("no-rows", "The file has a header and no rows.")


def test_a_refused_file_is_no_refused_export() -> None:
    assert not issubclass(FileRejected, SetRejected)
    assert not issubclass(SetRejected, FileRejected)
