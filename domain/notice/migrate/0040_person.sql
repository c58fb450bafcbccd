-- SPDX-License-Identifier: EUPL-1.2
-- A person's documents in the order of "my data".
CREATE INDEX notice_document_person ON notice_document (person, id) WHERE person <> '';
