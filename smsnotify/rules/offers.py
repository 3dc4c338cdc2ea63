"""Words that make a text an offer, in the languages that customers are texted in.

Only a hint for whoever writes rules: what a text is, the law of the place decides.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = (
    "sale|discount|promo|promotion|voucher|coupon|cashback|giveaway|bargain|free|offer|offers|deal"
    "|deals|rabatt|gutschein|angebot|angebote|gratis|kostenlos|korting|aanbieding|soldes"
    "|réduction|gratuit|gratuite|sconto|offerta|saldi|gratuito|descuento|oferta|ofertas|rebajas"
    "|cupón|desconto|promoção|cupom|grátis|diskaun|tawaran|percuma|baucar|diskon|penawaran|kupon"
    "|diskwento"
)
"""Words of languages that put spaces between them."""

_PHRASES: Final = (
    *("giảm giá", "miễn phí", "khuyến mãi", "ưu đãi"),
    *("折扣", "优惠", "優惠", "促销", "促銷", "免费", "免費", "特价", "特價"),
    *("割引", "セール", "クーポン", "無料", "할인", "쿠폰", "무료"),
    *("ส่วนลด", "โปรโมชั่น", "ฟรี", "தள்ளுபடி", "இலவச", "छूट", "मुफ़्त", "मुफ्त"),
    *("خصم", "مجاني", "скидк", "бесплатн"),
)
"""What is looked for anywhere in a text."""

_HARMLESS: Final = re.compile(
    r"\b(feel free|free to|toll[- ]free|contact[- ]free|hands[- ]free|free of)\b", re.IGNORECASE
)
_PERCENT: Final = re.compile(
    "\\d{1,3}\\s?[%\uff05]\\s*(off|discount|rabatt|korting|diskon|diskaun|di sconto"
    "|de (remise|réduction|descuento|desconto))|(?<!\\d)[1-9](\\.\\d)?\\s*折",
    re.IGNORECASE,
)
_WORD: Final = re.compile(rf"(?<!\w)({_WORDS})(?!\w)", re.IGNORECASE)
_TAGS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def offer_word(template: str) -> str:
    """Return the first word of a text or template that offers something, `''` for none."""
    plain = _HARMLESS.sub(" ", _TAGS.sub(" ", template))
    found = _PERCENT.search(plain) or _WORD.search(plain)
    if found:
        return found[0].strip()
    folded = plain.casefold()
    return next((phrase for phrase in _PHRASES if phrase in folded), "")
