"""The end: everything has come to rest, nothing is left over, and nothing was told to whom it may not be told."""

from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import History, Leaked, Left, Rested, Searched


def at_rest(history: History) -> Found:
    """No lag, no record in a retry topic, no row in an outbox, no dead letter."""
    left = history.all(Left)
    wrong = [f"{one.count} left: {one.what}" for one in left if one.count]
    if not any(rested.is_quiet for rested in history.all(Rested)):
        wrong.append("the house did not come to rest within its time")
    return Found(len(left), wrong)


def silent(history: History) -> Found:
    """No identifier, key or token is in a log, a span, a metric, a record's key or header, or a column in clear."""
    searched = history.all(Searched)
    wrong = [f"{one.what}: …{' '.join(one.around.split())}…" for one in history.all(Leaked)]
    wrong += [
        f"no {kind} was searched"
        for kind in ("file", "metrics of", "keys of", "headers of", "column")
        if not any(one.place.startswith(kind) and one.size for one in searched)
    ]
    return Found(len(searched), wrong, {"places": len(searched), "MB": round(sum(o.size for o in searched) / 1e6, 1)})
