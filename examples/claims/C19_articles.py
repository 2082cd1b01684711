"""C19. Each article's program as printed fails as it must, and its correction agrees with its oracle.

Primary comparison: none, all of it is mathematics. The programs run here with small sizes, on which their mathematics
does not depend, and each of their criteria is asserted; `minigrad articles` shows in full what they do and find.

    python examples/claims/C19_articles.py [--quick]      MNIST where it is found, else the 8 x 8 digits
"""

import contextlib
import io

from minigrad.lab.gallery import pages
from minigrad.lab.gallery.article import SIZES
from minigrad.lab.gallery.claim import Claim

claim = Claim(__file__, __doc__)
COUNT = claim.size["articles"]
programs = pages.programs(pages.ARTICLES)
numbers = sorted({pages.number_of(path) for path in programs})[:COUNT]

claim.section(f"The programs of {', '.join(numbers)}")
asserted, figures = [], []
for path in pages.programs(pages.ARTICLES, numbers):
    with contextlib.redirect_stdout(io.StringIO()):
        article = pages.run(path, quick=True, drawn=claim.drawn)
    asserted.append((path.stem, article.title, [kept.words for kept in article.kept if kept.kind == "must hold"]))
    if all(full == quick for full, quick in SIZES[path.stem].values()):  # its figures are those of the full sizes
        figures += [arguments for method, arguments in article.told if method == "figure"]
for name, title, criteria in asserted:
    if criteria:
        claim.holds(f"{title.split(':')[0]}: criteria of {name} met: {len(criteria)} of {len(criteria)}", True)
        claim.shows("\n".join(f"    {words}" for words in criteria))
empirical = [name for name, _, criteria in asserted if not criteria]
if empirical:
    claim.says(f"What {', '.join(empirical)} finds is empirical: `minigrad articles` gives its verdicts.")
for png, description in figures:
    claim.figure(lambda png=png: png, description)
claim.look_at(
    f"{sum(len(criteria) for _, _, criteria in asserted)} criteria of {len(asserted)} programs; "
    "`minigrad articles` for what they print and show"
)
