"""What the user asks for, what the models take, and what that costs."""
