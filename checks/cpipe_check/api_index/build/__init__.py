"""The builder: from the source text of a release to facts, and from facts to packed data. Never imports a library."""
