-- SPDX-License-Identifier: EUPL-1.2
-- Names are sealed under the key of the person they name (core/vault). Those of before are sealed at the next start, and the
-- columns in clear are empty from then on.
ALTER TABLE mandate_mandate ADD COLUMN principal_sealed BYTEA NOT NULL DEFAULT '';
ALTER TABLE mandate_mandate ADD COLUMN delegate_sealed BYTEA NOT NULL DEFAULT '';
