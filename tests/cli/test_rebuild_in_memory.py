"""`smallpool rebuild` and `sync` where the wide index lives in memory: nothing to do, and said so."""

import pytest

from cli_rig import Shell, listing


@pytest.mark.parametrize("arguments", [["rebuild"], ["rebuild", "--rollback"], ["sync"], ["sync", "--once", "--from-start"]])
def test_an_index_in_memory_needs_no_sync(shell: Shell, arguments: list[str]) -> None:
    shell.publish([listing()])
    assert "made anew from its file at each start" in shell.run(*arguments).out


def test_nothing_is_made_by_a_command_that_has_nothing_to_do(shell: Shell) -> None:
    assert shell.run("rebuild", "--json").json is None
    assert not shell.data.exists()


def test_fewer_than_no_generations_cannot_be_kept(shell: Shell) -> None:
    assert "--keep" in shell.run("rebuild", "--keep", "-1", code=2).err
