"""`smallpool pools pin`, `include` and `ban`, and lists in files of pools."""

from cli_rig import Shell, phones


def test_lists_are_changed_from_the_command_line_and_in_force_at_once(shell: Shell) -> None:
    shell.publish(phones(3))
    shell.make_pool("p", "{any: []}")
    told = shell.run("pools", "include", "p", "i000", "i001", "i002", "--reason", "all of them").out
    assert "p is at revision 2 and holds 3 items" in told
    saved = shell.run("pools", "ban", "p", "i000", "--json").json
    assert (saved["pool"]["selection"]["ban_items"], saved["preview"]["count"]) == (["i000"], 2)
    assert shell.run("pools", "pin", "p", "i002", "--json").json["pool"]["ordering"]["pins"] == ["i002"]
    assert shell.run("pools", "ban", "p", "i000", "--remove", "--json").json["pool"]["selection"]["ban_items"] == []
    assert shell.run("pools", "ban", "p", "s9", "--of", "sellers", "--json").json["pool"]["selection"]["ban_sellers"] == ["s9"]
    assert shell.run("pools", "list", "--json").json[0]["size"] == 3
    shown = shell.run("pools", "show", "p", "--json").json
    assert (shown["pool"]["revision"], shown["revisions"][-2]["reason"]) == (6, "all of them")


def test_a_list_that_is_refused_says_where(shell: Shell) -> None:
    shell.make_pool("p", "{all: []}")
    assert "selection.ban_words[0]" in shell.run("pools", "ban", "p", "two words", "--of", "words", code=1).err


def test_files_carry_lists_schedule_and_priority_there_and_back(shell: Shell) -> None:
    text = (
        "pool_id: p\nrule: {all: []}\nselection: {include: [a], ban_words: [手机]}\nordering: {pins: [a]}\npriority: 1\n"
        "schedule:\n  timezone: Europe/Berlin\n  windows:\n  - {from: '2026-11-11T00:00', until: '2026-11-12T00:00'}\n"
    )
    path = shell.write("pools/p.yaml", text)
    shell.run("pools", "apply", path)
    shell.run("pools", "export", str(shell.folder / "out"))
    written = (shell.folder / "out" / "p.yaml").read_text("utf-8")
    assert "2026-11-11T00:00" in written
    assert "Europe/Berlin" in written
    again = shell.run("pools", "apply", str(shell.folder / "out"), "--json").json
    assert again == [{"pool_id": "p", "action": "unchanged", "changes": []}]
    line = shell.run("pools", "list", "--json").json[0]
    assert line["priority"] == 1
    wrong = shell.write("pools/p.yaml", text.replace("Europe/Berlin", "Europe/Nowhere"))
    assert "schedule.timezone" in shell.run("pools", "apply", wrong, code=1).err
