-- SPDX-License-Identifier: EUPL-1.2
-- Who follows one register doesn't go through the changes of all, nor through all changes of that register.
CREATE INDEX register_change_of ON register_change (register, position) WHERE position > 0;
