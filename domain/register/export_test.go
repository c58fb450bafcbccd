// SPDX-License-Identifier: EUPL-1.2

package register

// Watch has f told after each search how many records or lines of the index it has looked at, and how many it has opened.
func (s *Service) Watch(f func(examined, opened int)) { s.looked = f }

// MaxExamined bounds what one call looks at.
const MaxExamined = maxExamined

// LoadInBatches has loads store so few records at once.
func (s *Service) LoadInBatches(n int) { s.batch = n }
