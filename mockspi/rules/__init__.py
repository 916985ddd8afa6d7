"""Rules: when a call looks like this, then answer, break or delay it. Equality only; nothing in a rule is ever run."""
