"""`momentum set`, `unset` and `settings`: what may change while running, and who changed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace_builders import edit, momentum, workspace


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def value(work: Path, key: str) -> object:
    return momentum("settings", key, "-C", work, "--json").json[key]["value"]


def test_a_change_is_in_force_for_the_next_command_and_on_record(work: Path) -> None:
    assert momentum("set", "threshold", "4", "-C", work).code == 0
    found = momentum("settings", "monitor.auto_close_threshold", "-C", work, "--json").json
    row = found["monitor.auto_close_threshold"]
    assert row["value"] == 4
    assert row["origin"].startswith("override by ")
    assert row["bounds"] == "from 3 to 10"
    assert row["settable"] is True
    assert (row["changed"]["old"], row["changed"]["new"]) == (5, 4)
    assert value(work, "decide.close_reversal") == 4, "what follows the key follows the change"


def test_a_change_is_taken_back_and_both_are_listed_with_who_and_when(work: Path) -> None:
    momentum("set", "autoclose", "off", "-C", work)
    assert momentum("unset", "autoclose", "-C", work).code == 0
    assert value(work, "monitor.auto_close") is True
    changes = momentum("settings", "--changes", "-C", work, "--json").json
    assert [(c["key"], c["old"], c["new"]) for c in changes] == [
        ("monitor.auto_close", True, False),
        ("monitor.auto_close", False, True),
    ]
    assert all(c["who"] and c["at"] for c in changes)
    assert "was not changed" in momentum("unset", "autoclose", "-C", work).out


@pytest.mark.parametrize(
    ("key", "new", "says"),
    [
        ("limits.max_exposure", "70%", "would widen the limit of 60% (momentum.yaml:"),
        ("limits.max_positions", "7", "would widen the limit of 6"),
        ("limits.max_order", "off", None),
        ("threshold", "11", "11 is over 10"),
        ("threshold", "2", "2 is under 3"),
        ("autoclose", "maybe", "on or off"),
        ("plugins.broker", "other", "cannot be changed while running"),
        ("mode", "live", "cannot be changed while running"),
        ("monitor.auto_closing", "off", "did you mean 'monitor.auto_close'?"),
        ("limits.max_exposure", "5%", "does not go with the other settings"),
    ],
)
def test_what_may_not_be_changed_is_refused_in_one_line(
    work: Path, key: str, new: str, says: str | None
) -> None:
    before = momentum("settings", "-C", work, "--json").json
    run = momentum("set", key, new, "-C", work)
    assert run.code == (0 if says is None else 2), run.err
    assert says is None or says in run.err
    assert "Traceback" not in run.err
    after = momentum("settings", "-C", work, "--json").json
    assert {k: v["value"] for k, v in after.items()} == {k: v["value"] for k, v in before.items()}


def test_a_hard_limit_can_be_tightened_and_the_files_limit_stays_the_bound(work: Path) -> None:
    assert momentum("set", "limits.max_exposure", "40%", "-C", work).code == 0
    assert value(work, "limits.max_exposure") == "40%"
    assert momentum("set", "limits.max_exposure", "55%", "-C", work).code == 0
    edit(work / "momentum.yaml", "  max_exposure: 60%", "  max_exposure: 50%")
    run = momentum("settings", "limits.max_exposure", "-C", work, "--json")
    assert run.json["limits.max_exposure"]["value"] == "50%"
    assert "it is not used" in run.err


def test_no_change_keeps_a_person_from_the_command_that_takes_it_back(work: Path) -> None:
    momentum("set", "limits.position_size", "5%", "-C", work)
    momentum("set", "limits.max_exposure", "6%", "-C", work)
    assert momentum("unset", "limits.position_size", "-C", work).code == 0
    left = momentum("settings", "limits.max_exposure", "-C", work, "--json")
    assert left.code == 0
    assert left.json["limits.max_exposure"]["value"] == "60%"
    assert "`momentum unset limits.max_exposure` takes it back" in left.err
    assert momentum("unset", "limits.max_exposure", "-C", work).code == 0
    assert momentum("settings", "-C", work).err == ""


def test_a_setting_answers_by_its_short_name_and_where_it_is_not_set(work: Path) -> None:
    short = momentum("settings", "autoclose", "-C", work, "--json").json
    assert short["monitor.auto_close"]["bounds"] == "on | off"
    unset = momentum("settings", "files.zone", "-C", work, "--json").json
    assert unset["files.zone"]["origin"] == "not set"
