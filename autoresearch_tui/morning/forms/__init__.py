"""How the account of a night looks: text, Markdown, a page, a picture, the message of a commit."""
