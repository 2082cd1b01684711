"""Sphinx's settings for the site; `python -m docs.site` runs it over the pages that stage.py has gathered."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from minigrad.version import __version__  # noqa: E402

project = "minigrad"
version = release = __version__
extensions = ["myst_parser", "docs.site.extension"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
add_module_names = False
toc_object_entries = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
highlight_language = "text"
smartquotes = False  # a docstring's "mean" is what one types
html_theme = "minigrad"
html_theme_path = [str(Path(__file__).parent / "theme")]
html_title = "minigrad"
html_copy_source = html_show_sourcelink = False
html_use_index = True
html_domain_indices = False
show_warning_types = True
