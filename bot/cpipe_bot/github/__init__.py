"""GitHub: the check job's side, which trusts nothing and is trusted by nobody, and the publisher, which may write."""
