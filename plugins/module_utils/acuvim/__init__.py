"""Find Acuvim meters, keep their names, and write what Telegraf polls.

targets | probe | identify | plan | render | install, one module a word; `discover` is the whole of it.
Only the standard library and, where files are rendered, Jinja: it runs on boxes without an index.
Imports are relative because the box has this package as plain files, not as a collection.
"""

from __future__ import annotations
