"""Console pages on which staff decide about money: refunds, payouts, reconciliation."""
