-- SPDX-License-Identifier: EUPL-1.2
-- What has run out without another assertion after it, for retention rules that count from the end of a record.
CREATE INDEX register_record_ran_out ON register_record (register, valid_to, id) WHERE valid_to < 9223372036854775807;
