"""A page: one self-contained HTML file, which is read without scripts and explored with them.

    PageContent ─▶ data (one payload an example) ──────────────┐
        └─▶ Report ─▶ blocks, ledger, provenance (plain views) ┴─▶ templates ─▶ one text

`scripts` joins the modules and styles of `static/`; their hashes are all that the page's own Content-Security-Policy
allows. Templates escape every text; scripts get names as JSON that has been deflated, and show them as text nodes.
"""

from perfdb.report.html.page import page_html

__all__ = ["page_html"]
