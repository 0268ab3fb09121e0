"""Which test proves which line of the abuse list: by number, the tests of this folder and those that stand elsewhere.

A guard is proved where it lives; here is only what was missing there. ``test_proofs.py`` holds the names against the
files, and every test of this folder against this index.
"""

from __future__ import annotations

from typing import Final

_AUTH: Final = "web/test_auth.py"
_PEOPLE: Final = "actions/test_people.py"
_PAYMENTS: Final = "actions/test_money_payments.py"
_REFUNDS: Final = "actions/test_money_refunds.py"
_MATRIX: Final = "architecture/test_role_matrix.py"

WHAT: Final[dict[int, str]] = {
    1: "ids of others", 2: "requests of other sites", 3: "markup in what people type", 4: "formulas in cells",
    5: "redirects elsewhere", 6: "sessions stolen or planted", 7: "fields that a form does not have",
    8: "rights that one does not have", 9: "trying passwords and links", 10: "finding out who has an account",
    11: "addresses that we would fetch", 12: "uploads", 13: "too much, too deep, too often",
    14: "amounts and moments of money", 15: "lines of logs and mails", 16: "headers that lie",
    17: "tools of developers", 18: "rooms that are guessed", 19: "objects out of bytes",
}  # fmt: skip

PROOFS: Final[dict[int, tuple[str, ...]]] = {
    1: (
        f"{_MATRIX}::test_everybody_gets_what_the_matrix_says",
        f"{_MATRIX}::test_everybody_gets_what_the_matrix_says_of_generated_views",
        "admin/test_search.py::test_nobody_finds_what_they_may_not_open",
        "web/test_calendar_feed.py::test_a_guessed_address_is_answered_as_any_page_that_is_not",
        "web/test_dispute_pages.py::test_evidence_of_others_is_not_found",
        "web/test_session_page.py::test_somebody_elses_notification_stays_unread",
    ),
    2: (
        f"{_AUTH}::test_what_another_site_posts_is_refused",
        f"{_AUTH}::test_the_token_of_somebody_elses_session_does_not_fit",
        f"{_AUTH}::test_the_api_takes_a_cookie_with_its_token_or_a_bearer_token_and_nothing_else",
        "web/test_sandbox.py::test_a_webhook_without_a_valid_signature_is_refused_and_nothing_is_kept",
    ),
    3: (
        "admin/test_sessions_list.py::test_what_people_type_stays_text",
        "actions/test_messaging.py::test_what_people_wrote_stays_text",
        "web/test_chat.py::test_markup_and_scripts_in_a_message_are_text",
        "web/test_security_headers.py::test_every_answer_carries_the_strict_policy",
        "admin/test_overview_and_pages.py::test_a_letter_is_read_in_a_frame_that_can_run_nothing",
    ),
    4: (
        "admin/test_sessions_list.py::test_the_export_is_the_filter_safe_for_spreadsheets_and_on_record",
        "actions/test_payouts.py::test_the_file_for_the_bank_has_a_line_a_mentor_and_no_formula",
        "admin/test_tables.py::test_no_view_shows_a_secret",
    ),
    5: (
        "web/test_redirects.py::test_what_could_lead_elsewhere_leads_to_the_fallback",
        "web/test_redirects.py::test_going_back_leads_to_a_page_of_ours",
        f"{_AUTH}::test_signing_in_never_leads_to_another_site",
        "actions/test_messaging.py::test_a_notification_leads_nowhere_else",
    ),
    6: (
        f"{_AUTH}::test_signing_in_starts_a_new_session",
        f"{_AUTH}::test_a_stolen_cookie_is_worth_nothing_after_signing_out",
        f"{_AUTH}::test_a_stolen_cookie_is_worth_nothing_after",
        f"{_AUTH}::test_the_cookie_is_for_this_host_out_of_scripts_reach_and_same_site",
        f"{_AUTH}::test_a_login_that_is_too_old_or_was_idle_for_too_long_ends",
        f"{_AUTH}::test_money_and_policies_ask_for_the_password_again_after_a_quarter_of_an_hour",
        "admin/test_money_acts.py::test_money_asks_for_the_password_again",
    ),
    7: (
        f"{_AUTH}::test_nobody_registers_with_a_role_or_any_other_column",
        f"{_AUTH}::test_a_profile_takes_its_own_fields_only",
        "admin/test_tables.py::test_nothing_is_created_changed_or_deleted_by_a_form",
        "api/test_fuzz.py::test_nothing_that_is_sent_makes_it_fail",
    ),
    8: (
        f"{_PEOPLE}::test_staff_accounts_are_made_by_admins_and_the_command_line_only",
        f"{_PEOPLE}::test_a_new_role_ends_sign_ins_and_tokens_and_is_audited",
        f"{_PEOPLE}::test_support_and_ops_grant_no_role",
        f"{_PEOPLE}::test_nobody_changes_the_own_role_and_the_last_admin_stays",
        "api/test_tokens.py::test_a_token_cannot_make_one_that_may_more",
        "actions/test_money_refunds.py::test_the_threshold_counts_all_staff_refunds_of_a_session_bonuses_too",
        "actions/test_money_refunds.py::test_nobody_approves_an_own_request_and_support_approves_none",
        "admin/test_force_cancel.py::test_nobody_decides_a_case_of_their_own",
    ),
    9: (
        f"{_AUTH}::test_guessing_one_account_is_slowed_down_for_the_guesser_and_not_for_its_owner",
        f"{_AUTH}::test_guessing_over_many_accounts_is_slowed_down_by_address",
        f"{_AUTH}::test_one_mailbox_cannot_be_flooded",
        f"{_PEOPLE}::test_a_reset_link_sets_a_new_password_once_and_ends_sign_ins_and_tokens",
        f"{_PEOPLE}::test_a_reset_link_lasts_one_hour",
        f"{_PEOPLE}::test_a_reset_link_is_kept_as_a_hash_only",
        f"{_PEOPLE}::test_passwords_are_kept_as_argon2id",
    ),
    10: (
        f"{_PEOPLE}::test_a_wrong_sign_in_costs_one_hash_and_says_the_same_whether_or_not_the_account_exists",
        f"{_PEOPLE}::test_registering_a_known_address_looks_the_same_and_only_its_owner_is_told",
        f"{_AUTH}::test_a_wrong_password_and_an_unknown_address_get_the_same_page",
        f"{_AUTH}::test_registering_and_resetting_answer_the_same_for_known_and_unknown_addresses",
    ),
    11: (
        "integrations/test_chat_hooks.py::test_what_may_help_later_is_tried_again_and_what_is_gone_is_not",
        "api/test_bookings.py::test_a_mentor_gives_a_link_of_https_only",
    ),
    12: (
        "actions/test_people_avatars.py::test_what_is_no_reasonable_picture_is_refused",
        "actions/test_people_avatars.py::test_code_behind_a_picture_does_not_survive",
        "actions/test_dispute_reporting.py::test_a_file_that_cannot_be_evidence_refuses_the_report_and_leaves_nothing",
        "web/test_dispute_pages.py::test_more_than_all_files_together_is_refused_before_it_is_read",
        "web/test_dispute_pages.py::test_a_name_that_looks_like_a_path_is_shown_as_a_name_and_leads_nowhere",
        "web/test_account.py::test_six_megabytes_are_refused_before_they_are_read",
        "web/test_account.py::test_no_other_file_is_handed_out",
        "admin/test_disputes.py::test_evidence_is_saved_not_shown_and_the_reading_is_on_record",
    ),
    13: (
        f"{_AUTH}::test_the_api_tells_its_limits",
        "web/test_errors.py::test_what_is_too_large_is_refused_before_it_is_read",
        "admin/test_tables.py::test_no_address_breaks_a_list",
        "web/test_calendar_feed.py::test_asking_too_often_and_guessing_come_to_an_end",
        "web/test_sandbox.py::test_guessing_signatures_ends_soon_and_an_honest_backlog_does_not",
        "api/test_fuzz.py::test_nothing_that_is_sent_makes_it_fail",
    ),
    14: (
        f"{_PAYMENTS}::test_another_amount_or_currency_than_asked_is_flagged_and_leaves_the_session_unpaid",
        "actions/test_money_refunds.py::test_an_amount_that_does_not_fit_is_refused_and_changes_nothing",
        f"{_REFUNDS}::test_a_late_refund_makes_the_mentors_balance_negative_and_future_earnings_settle_it_first",
        "invariants/test_money_races.py::test_settling_and_refunding_at_once_leave_the_books_right",
        "invariants/test_money_races.py::test_many_clicks_at_once_refund_once",
        "invariants/test_money_random.py::test_any_history_keeps_the_books",
        "actions/test_payouts.py::test_a_refund_between_the_preview_and_the_record_stops_it",
        "web/test_sandbox.py::test_what_an_event_claims_is_not_believed",
    ),
    15: (
        "actions/test_messaging.py::test_a_line_break_makes_no_header_and_no_row_of_the_box",
        "integrations/test_mailer.py::test_a_line_break_never_becomes_a_header",
        "web/test_errors.py::test_a_reference_that_no_log_could_hold_is_replaced",
        "web/test_logs.py::test_a_request_is_one_line_with_its_reference_and_its_rule",
    ),
    16: ("web/test_security_headers.py::test_every_answer_carries_the_strict_policy",),
    17: (
        "platform/test_settings.py::test_production_refuses_what_is_unsafe_and_says_which",
        "web/test_errors.py::test_what_nobody_expected_is_told_by_its_reference_and_nothing_else",
        "web/test_logs.py::test_in_production_each_line_is_json_and_a_failure_tells_no_local_values",
    ),
    18: (
        "api/test_bookings.py::test_the_meeting_link_is_told_inside_its_window_only_and_never_to_staff",
        "actions/test_messaging.py::test_the_meeting_link_stands_in_no_mail_and_no_calendar",
    ),
    19: (
        "tasks/test_relay.py::test_the_queue_holds_json_and_no_pickle",
        "tasks/test_clock.py::test_what_the_clock_puts_is_json_that_our_workers_can_call",
    ),
}
