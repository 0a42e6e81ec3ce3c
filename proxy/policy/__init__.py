"""Which policy a call meets: named policies, routes, and where each value comes from."""
