"""What the world calls Personalize's columns: names seen in public data sets and in shop systems.

Names are compared by their letters and digits only. The first of a list is the best guess; what
stands after a bar is a worse one than the `id` of a table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chalicelib.vocabulary.datasets import DATASETS

_NAMES: Mapping[str, str] = {
    "USER_ID": """
        customer_id customer_no customer_number customer_key cust_id client_id visitor_id shopper_id
        buyer_id member_id household_id household_key account_id profile_id subscriber_id person_id
        contact_id patron_id guest_id reviewer_id rater_id viewer_id player_id student_id uid
        user_pseudo_id domain_userid author_id passenger_id hashed_email msno
        kunden_id kundennummer kunden_nr kunde id_client id_cliente cliente_id |
        user user_name customer client visitor shopper buyer member household reviewer email
        customer_email anonymous_id""",
    "ITEM_ID": """
        product_id product_no product_code product_key sku stock_code item_code item_no item_key
        movie_id article_id asin parent_asin content_id video_id track_id song_id artist_id album_id
        book_id isbn isbn13 course_id hotel_id listing_id show_id title_id game_id app_id recipe_id
        restaurant_id business_id post_id news_id ad_id offer_id poi_id venue_id anime_id
        products_sku lineitem_sku properties.sku properties.product_id media_identifier variant_id
        upc ean gtin barcode artikel_id artikelnummer artikel_nr artikel produkt_id
        id_produit produit id_producto producto_id producto |
        handle item product movie article track song book video""",
    "TIMESTAMP": """
        event_time event_timestamp time ts datetime date_time invoice_date order_date ordered_at
        order_timestamp order_purchase_timestamp purchase_date purchased_at transaction_date
        transaction_time transaction_timestamp t_dat created_at occurred_at original_timestamp
        sent_at received_at derived_tstamp collector_tstamp unix_review_time review_time unix_time
        unix_timestamp epoch visit_time view_time viewed_at watched_at played_at rated_at clicked_at
        rating_timestamp local_time server_time event_date date day
        bestelldatum kaufdatum zeitpunkt datum fecha fecha_compra date_achat updated_at""",
    "EVENT_TYPE": """
        event event_name action activity activity_type interaction interaction_type
        behavior behaviour behavior_type behaviour_type action_type type""",
    "EVENT_VALUE": "rating score stars overall review_score star_rating",
    "CREATION_TIMESTAMP": """
        created_at created creation_date creation_time published_at publish_date release_date
        released_at launch_date date_added first_seen available_from""",
    "ACTION_ID": "action offer_id action_code",
}
# A name that only says "the key of this table".
OWN_KEY: Mapping[str, str] = {"items": "id code key", "users": "id code key"}
# Parts of longer names, such as l_custkey.
_WORDS: Mapping[str, str] = {
    "USER_ID": "USER|CUST|CLIENT|VISITOR|SHOPPER|BUYER|MEMBER|HOUSEHOLD|SUBSCRIBER|REVIEWER|PERSON",
    "ITEM_ID": "PRODUCT|ITEM|SKU|MOVIE|ARTICLE|CONTENT|STOCK|TRACK|SONG|BOOK|VIDEO|ASIN|PROD",
}
_KEY = "ID|KEY|CODE|NO|NUM|NUMBER|SKU|REF|UUID|GUID|HASH"
_HINTS: Mapping[str, str] = {
    "interactions": "interaction|event|order|rating|purchase|transaction|click|view|log|sales|retail"
    "|review|visit|session|basket|invoice|watch|listen|play",
    "items": "item|product|movie|catalog|article|sku|book|song|track|video|anime|title|game|hotel",
    "users": "user|customer|member|client|visitor|household|shopper|subscriber|profile|passenger",
}


def bare(name: str) -> str:
    """Letters and digits only, in capitals: Personalize tells fields apart by no more."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def rank(target: str, name: str, dataset: str) -> int | None:
    """How well a column's name fits a target: 0 is best, None is not at all.

    In a table of items or users, `id` is the table's own key.
    """
    plain = bare(name)
    if plain == bare(target):
        return 0
    own = OWN_KEY.get(dataset, "") if target == DATASETS[dataset].key else ""
    listed = [bare(known) for known in _NAMES.get(target, "").replace("|", own).split()]
    if plain in listed:
        return 1 + listed.index(plain)
    words = _WORDS.get(target)
    is_key = words and re.search(rf"({words})S?({_KEY})$", plain)
    return 1 + len(listed) if is_key else None


def hint(name: str) -> str | None:
    """The dataset that a file's name speaks of: what happened, what there is, or who."""
    lower = name.lower()
    return next((kind for kind, words in _HINTS.items() if re.search(words, lower)), None)
