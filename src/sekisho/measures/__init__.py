"""The five measures and the maker's sheet as data, in Japanese and English, and the schema of a check-up report."""
