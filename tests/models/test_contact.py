"""Contact details are found however they are written, and what only looks like them is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.normalise import normalise
from smallpool_models.understanding import contact
from smallpool_models.understanding.contact import has_contact


@pytest.mark.parametrize(
    "text",
    [
        "13812345678", "电话138-1234 5678", "1 3 8 1 2 3 4 5 6 7 8", "一三八一二三四五六七八", "幺三八 一二三四 五六七八",
        "手机号壹叁捌壹贰叁肆伍陆柒捌", "１３８１２３４５６７８", "①③⑧①②③④⑤⑥⑦⑧", "1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "微信同号13912345678",
        "加微信 abc12345", "薇信：wx_887766", "v信 lao888wang", "卫星号abc66688", "加v: laowang88", "ＶＸ：ａｂｃ１２３４５",
        "vx laowang_88", "微♥信 abc12399", "加V laoli520", "加薇lao123456", "wx:lao12345",
        "扣扣 1 2 3 4 5 6 7", "qq:12345678", "Q 1234567", "企鹅号123456789",
    ],
)  # fmt: skip
def test_a_way_to_reach_the_seller_is_found(text: str) -> None:
    assert has_contact(normalise(text))
    assert has_contact(normalise(f"苹果手机 95新 {text} 喜欢的来"))


@pytest.mark.parametrize(
    "text",
    [
        "编号 23812345678,重 138123 克", "苹果 iPhone 13 128G 256G", "三星 Galaxy S10 8 128", "小米 v30 pro 12345", "QQ糖 250g*10",
        "VX10000 显卡", "奥迪Q5 2019款", "13 2019 1080 600 x", "微星GT73VR 游戏本", "薇诺娜 舒敏 50ml", "2019-2020款 15.6 寸 13.3",
        "卫星电视接收器 12345", "一二三四五六七", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert not has_contact(normalise(text))


@given(st.text("加薇v信qQ企鹅0189一三八 -_.·:❤abx号是", max_size=40))
def test_a_text_is_told_at_a_glance_only_where_a_closer_look_finds_nothing(text: str) -> None:
    numbered = text.translate(contact._NUMERALS)
    closer = contact._WECHAT.search(numbered) or contact._QQ.search(numbered) or any(map(contact._is_mobile, contact._runs(numbered)))
    assert has_contact(text) == bool(closer)
