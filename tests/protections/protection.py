"""One protection of an invariant: the change that takes it out, and the test that must then fail.

`covers` is the number of the invariant, or what else is protected. `old` stands exactly once in `file`; runs of white space match any other, so
that a line may be wrapped. A test is cli/MODULE.CLASS.TEST or fault/MODULE.CLASS.TEST, or unit/PROGRAM:TEST or store/PROGRAM:TEST for a
program of Check. may_hang: what is taken out is the end of a wait.
Not test_store_faults: it leaves frozen sessions behind, and the server that all tests here share cannot drop a database then.
"""

import collections
import re

Protection = collections.namedtuple("Protection", "name covers file old new test why may_hang", defaults=[False])
P = Protection


def places(protection, text):
    """Where its old text is in `text`, as (start, end)."""
    words = [re.escape(word) for word in protection.old.split()]
    return [found.span() for found in re.finditer(r"\s+".join(words), text)]


def taken_out(protection, text):
    (start, end), = places(protection, text)
    return text[:start] + protection.new.strip() + text[end:]
