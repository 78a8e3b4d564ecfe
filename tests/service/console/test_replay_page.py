"""The recall lab's second tab: an operator tries a draft on a day, and nobody is the wiser."""

from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from console_rig import Desk


def lived(desk: Desk) -> str:
    """A pool with a person's page, and the address of that day."""
    desk.api.publish(*({"item_id": f"i{n}", "category": ["数码", f"类{n}"], "price_cents": 100 * n + 100} for n in range(12)))
    desk.api.make_pool()
    desk.api.post("/v1/pools/p/recall", {"user_id": "u1", "size": 3})
    day = datetime.fromtimestamp(desk.api.clock.now_ms() / 1000, ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")
    return f"/console/lab/replay?pool=p&day={day}"


def test_a_draft_shows_what_falls_out_beside_the_pages_of_then_and_today(desk: Desk) -> None:
    address = lived(desk)
    desk.log_in()
    text = desk.get(address + "&draft=" + quote('{"rule": {"any": []}}')).text
    assert "有变化的页" in text
    assert "100%" in text
    assert "u1" in text
    assert desk.api.get("/v1/pools/p").json()["revision"] == 1


def test_a_draft_that_is_no_json_and_weights_that_are_none_are_mistakes_of_the_form(desk: Desk) -> None:
    address = lived(desk)
    desk.log_in()
    for query, place in (("&draft=%7B", "draft"), ("&draft=" + quote('{"color": 1}'), "draft"), ("&weights=luck%3D1", "weights")):
        reply = desk.get(address + query)
        assert reply.status_code == 422
        assert f"<code>{place}</code>" in reply.text


def test_a_day_without_pages_says_so_and_a_viewer_may_not_replay(desk: Desk) -> None:
    lived(desk)
    desk.log_in()
    assert "这一天没有服务记录" in desk.get("/console/lab/replay?pool=p&day=2001-01-01").text
    desk.log_in(desk.api.key("viewer"))
    assert desk.get("/console/lab/replay").status_code == 403
    assert "/console/lab/replay" not in desk.get("/console/lab").text
