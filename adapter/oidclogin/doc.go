// SPDX-License-Identifier: EUPL-1.2

// Package oidclogin signs people in at an OpenID Connect provider: BundID through a broker, a state's service account,
// Keycloak, or the demo's own (adapter/oidcdemo). It is the relying party: authorization code with PKCE, state and nonce,
// and it believes an identity token only after its signature, issuer, audience, times and nonce have been checked.
//
// The trust level is read from the claim acr by a map of the configuration. A page that demands a higher level sends the
// person here once more (step-up); acr_values tells the provider what is needed, and the answer is checked again.
//
// What belongs to one attempt travels in a sealed cookie that lives for ten minutes, so several tabs, several processes
// and a restart in between do no harm. The address to go back to is taken only if it is a path of this site.
//
// What it doesn't do: keep sessions and link accounts to people (core/identity does).
package oidclogin
