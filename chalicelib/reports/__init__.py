"""The run report: one document, told as a headline, as text and as a page.

history   an execution's history as stages, and where it failed
text      headline, message, and what to type next
page      HTML
"""
