"""The page and the API: faces over the same calls. They write a row; the tick does the rest."""
