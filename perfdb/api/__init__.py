"""The verbs: what the command line and notebooks call. Glue between readers, store, git and comparisons, nothing more.

`History` has them all; `record`, `revision` and `doctor` hold what does not fit on one page with it.
"""

from perfdb.api.history import History, open_history
from perfdb.compare import Criteria, Scope
from perfdb.profile.outcome import Outcome

__all__ = ["Criteria", "History", "Outcome", "Scope", "open_history"]
