"""What a page leads to, and which of it may be followed."""

from __future__ import annotations

import pytest

from hotlap.experiment.pages import changing, here, links

AT = "http://127.0.0.1:8123/shop/list?page=1"


def led(html: str, kind: str = "text/html; charset=utf-8") -> list[tuple[str, str, str | None]]:
    return [(one.request.method, one.request.path, one.changes) for one in links(html, kind, AT)]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/items/1", "/items/1"),
        ("items", "/shop/items"),
        ("../about#team", "/about"),
        ("?page=2", "/shop/list?page=2"),
        ("http://localhost:8123/x?q=ä b", "/x?q=%C3%A4%20b"),
        ("http://127.0.0.1:8124/x", None),
        ("https://127.0.0.1:8123/x", None),
        ("//example.org/x", None),
        ("mailto:someone@example.org", None),
        ("javascript:void(0)", None),
        ("data:text/html,x", None),
        ("/items/{id}", None),
        ("http://[", None),
    ],
)
def test_only_what_is_at_the_same_server_is_led_to(url: str, path: str | None) -> None:
    assert here(url, AT) == path


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="/out">Log out</a>', "log out"),
        ('<a href="/signOut">bye</a>', "sign out"),
        ('<a href="/items/1/delete">x</a>', "delete"),
        ('<a href="/items?action=remove&id=1">x</a>', "remove"),
        ('<a href="/items/1"><img alt="Delete this"></a>', "delete"),
        ('<a href="/items/1" title="Cancel the order">x</a>', "cancel"),
        ('<a href="/items/1" class="btn btn-danger">x</a>', "danger"),
        ('<a href="/items/1" data-method="delete">x</a>', "data-method"),
        ('<a href="/items/1" rel="noopener nofollow">x</a>', 'rel="nofollow"'),
        ('<a href="/items/1" onclick="return sure()">x</a>', "onclick"),
        ('<form action="/do"><input name=id value=1><button>Remove</button></form>', "remove"),
        ('<form action="/do"><button name=delete value=1>x</button></form>', "delete"),
        ('<a href="/items/1">Show</a>', None),
        ('<a href="/items?sort=updated">Updated</a>', None),
        ('<a href="/additions" class="clear">all of them</a>', None),
        ('<form action="/find"><input name=q><button>Search</button></form>', None),
    ],
)
def test_what_changes_something_is_told_by_its_words(html: str, said: str | None) -> None:
    ((_, _, found),) = led(html)
    assert found == said


def test_a_path_alone_is_judged_too() -> None:
    assert changing("/account/logout?next=/") == "logout"
    assert changing("/account") is None


def test_links_frames_and_forms_are_read_however_they_are_closed() -> None:
    html = """
    <base href="/base/"><link rel=next href="two"><link rel=stylesheet href="/s.css"><script src="/s.js"></script>
    <a href="one">first <b>one<a href="">nowhere</a><a href="#here">here</a><a>nothing</a>
    <iframe src="/framed"></iframe><map><area href="/area" alt="part"></map>
    <form action="/find?old=1"><input name=q value="a b"><input type=checkbox name=on><input type=checkbox name=in checked>
      <select name=s><option value=1>one<option value=2 selected>two</select><textarea name=t>
text</textarea><input type=submit name=go value=Go>
    <form method=POST action="/make"><input name=name value=x><button>Create</button></form>
    <form method=dialog><button>Close</button></form>
    <a href="/last">last
    """
    assert led(html) == [
        ("GET", "/base/two", None),
        ("GET", "/base/one", None),
        ("GET", "/framed", None),
        ("GET", "/area", None),
        ("GET", "/find?q=a+b&in=on&s=2&t=%0Atext&go=Go", None),
        ("POST", "/make", None),
        ("GET", "/last", None),
    ]
    post = next(one.request for one in links(html, "text/html", AT) if one.request.method == "POST")
    assert post.body == "name=x"
    assert post.headers == {"Content-Type": "application/x-www-form-urlencoded"}


def test_addresses_in_json_are_links() -> None:
    body = """{"users": "http://127.0.0.1:8123/users/", "next": "/users/?page=2", "name": "/etc/passwd",
               "of": ["http://example.org/x", {"self_url": "/users/1"}]}"""
    assert led(body, "application/json") == [
        ("GET", "/users/", None),
        ("GET", "/users/?page=2", None),
        ("GET", "/users/1", None),
    ]
    assert led("{broken", "application/json") == []
    assert led("[" * 100_000, "application/json") == []
    assert led('<a href="/x">', "image/png") == []
