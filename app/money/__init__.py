"""Payments, refunds, the ledger, wallets, payouts, reconciliation."""
