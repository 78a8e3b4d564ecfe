"""Jars are used only as the lock pins them."""

import hashlib
from pathlib import Path

import pytest

from smallpool_config.stack.jars import ROOTS, Jar, copy_pom, digest, locked, parse_lock, verified
from smallpool_config.stack.kit import JARS
from smallpool_config.stack.lock import lock_text
from smallpool_core.errors import SmallpoolError
from stack_rig import courier

GOOD = b"the published bytes"


def jar(artifact: str = "one", content: bytes = GOOD) -> Jar:
    return Jar("org.example", artifact, "1.0", hashlib.sha256(content).hexdigest())


def silent(_line: str) -> None:
    pass


def test_the_lock_pins_everything_that_is_asked_for_by_name() -> None:
    sets = locked()
    assert set(sets) == set(ROOTS) == {name for names in JARS.values() for name in names}
    for name, roots in ROOTS.items():
        assert set(roots) <= {str(one) for one in sets[name]}


def test_the_lock_names_neither_a_host_nor_a_file_twice() -> None:
    jars = [one for several in locked().values() for one in several]
    assert all(len(one.sha256) == 64 and "/" not in str(one) for one in jars)
    assert len({one.path for one in jars}) == len(jars)


def test_a_lock_reads_as_it_was_written() -> None:
    sets = {"a": (jar("one"), jar("two")), "b": (jar("three"),)}
    assert parse_lock(lock_text({name: list(jars) for name, jars in sets.items()})) == sets


def test_a_missing_jar_is_fetched_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, GOOD))
    (path,) = verified(tmp_path / "jars", [jar()], silent)
    assert path.read_bytes() == GOOD


def test_jars_that_hold_need_no_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, GOOD))
    first = verified(tmp_path / "jars", [jar()], silent)
    monkeypatch.setenv("PATH", courier(tmp_path, reachable=False))
    assert verified(tmp_path / "jars", [jar()], silent) == first


def test_a_jar_of_another_digest_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, b"something else"))
    with pytest.raises(SmallpoolError, match=r"org\.example:one:1\.0: Maven brought a file with SHA-256 .* pins .* remove it"):
        verified(tmp_path / "jars", [jar()], silent)
    assert list((tmp_path / "jars").rglob("*.jar")) == []


def test_one_bad_jar_keeps_the_good_ones_of_its_batch_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, GOOD))
    with pytest.raises(SmallpoolError, match=r"org\.example:two"):
        verified(tmp_path / "jars", [jar("one"), jar("two", b"other")], silent)
    assert list((tmp_path / "jars").rglob("*.jar")) == []


def test_a_jar_that_changed_in_the_cache_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, GOOD))
    (path,) = verified(tmp_path / "jars", [jar()], silent)
    path.write_bytes(b"tampered with")
    told: list[str] = []
    verified(tmp_path / "jars", [jar()], told.append)
    assert digest(path) == jar().sha256
    assert told == ["fetching 1 jars by Maven"]


def test_a_maven_that_fails_is_quoted_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", courier(tmp_path, reachable=False))
    with pytest.raises(SmallpoolError, match=r"no repository answers; see that the machine reaches a Maven repository"):
        verified(tmp_path / "jars", [jar()], silent)


def test_maven_is_asked_for_exactly_the_pinned_jars(tmp_path: Path) -> None:
    pom = copy_pom([jar("one"), jar("two")], tmp_path)
    assert pom.count("<artifactItem>") == 2
    assert "<dependency>" not in pom
