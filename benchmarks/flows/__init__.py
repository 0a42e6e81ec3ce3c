"""What resolved sessions teach, measured: scripted sessions, public dialogues, the budget, crashes."""
