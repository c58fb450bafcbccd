// SPDX-License-Identifier: EUPL-1.2

// Package mandate keeps who may act for whom: a mandate (Vollmacht, § 14 VwVfG; legal representation: parents §§ 1626, 1629
// BGB, guardians §§ 1814 ff. BGB) from a person to a person, and at the desk a deputyship (Vertretung) between members of staff.
//
// A mandate has a kind (content/city/mandates.toml: its law, what it can cover at most, how long, who confirms it), a scope
// (services or topics, and actions), a term, and ends by revocation of either side with immediate effect. One that a person gives
// is an invitation at first: a code of 128 bit, which the person invited redeems after they have signed in. So nobody learns by
// it who lives in the city, and nobody has to spell anybody's name. A legal representation is entered by an office on a proof;
// neither side can revoke it here, because neither side could have given it. That of parents ends by itself on the child's
// eighteenth birthday (§§ 2, 187 (2), 188 (2) BGB).
//
// The room decides nothing about access. It tells the checker (core/access) what is true of a mandate when it's used: in the
// transaction that puts the access on record, by a statement that holds the whole condition and takes the row, so that a
// revocation comes either before a use or after it and never in between. The policies (content/policies/mandates.cedar) decide
// with that. A session only remembers a choice.
//
// Terms: principal (Vollmachtgeber, vertretene Person) is whose matters they are, delegate (Bevollmächtigte, Vertreterin) who
// acts, deputy (Vertretung im Amt) who stands in for a colleague. Where a delegate acts in an organisation's name, that name is
// the delegate's own statement until an office has confirmed it.
//
// The members of staff whom a deputyship can name are those who have signed in, with the office and the roles that the identity
// provider told of them last; a deputyship reaches what they had then and not what they once had.
package mandate
