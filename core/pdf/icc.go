// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"encoding/binary"
	"math"
)

// sRGBProfile makes an ICC profile (version 2.1, display, RGB) of the sRGB colour
// space of IEC 61966-2-1: primaries adapted to D50, and its transfer curve as 256 points.
func sRGBProfile() []byte {
	type tag struct {
		sig  string
		data []byte
	}
	desc := func(s string) []byte {
		b := make([]byte, 12, 12+len(s)+1+8+3+67)
		copy(b, "desc")
		binary.BigEndian.PutUint32(b[8:], uint32(len(s)+1))
		b = append(b, s...)
		b = append(b, 0)
		return append(b, make([]byte, 4+4+2+1+67)...)
	}
	text := func(s string) []byte {
		b := append([]byte("text\x00\x00\x00\x00"), s...)
		return append(b, 0)
	}
	xyz := func(x, y, z float64) []byte {
		b := make([]byte, 20)
		copy(b, "XYZ ")
		for i, v := range []float64{x, y, z} {
			binary.BigEndian.PutUint32(b[8+4*i:], uint32(int32(math.Round(v*65536))))
		}
		return b
	}
	curve := make([]byte, 12+2*256)
	copy(curve, "curv")
	binary.BigEndian.PutUint32(curve[8:], 256)
	for i := range 256 {
		v := float64(i) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		binary.BigEndian.PutUint16(curve[12+2*i:], uint16(math.Round(v*65535)))
	}
	tags := []tag{
		{"desc", desc("sRGB IEC61966-2.1")},
		{"cprt", text("Made from the published figures; no rights reserved")},
		{"wtpt", xyz(0.9642, 1, 0.8249)},
		{"rXYZ", xyz(0.43607, 0.22249, 0.01392)},
		{"gXYZ", xyz(0.38515, 0.71687, 0.09708)},
		{"bXYZ", xyz(0.14307, 0.06061, 0.71410)},
		{"rTRC", curve}, {"gTRC", nil}, {"bTRC", nil}, // one curve for all three
	}
	head := make([]byte, 128+4+12*len(tags))
	copy(head[12:], "mntrRGB XYZ ")
	binary.BigEndian.PutUint32(head[8:], 0x02100000)
	for i, v := range []uint16{2026, 1, 1, 0, 0, 0} {
		binary.BigEndian.PutUint16(head[24+2*i:], v)
	}
	copy(head[36:], "acsp")
	copy(head[68:], xyz(0.9642, 1, 0.8249)[8:])
	binary.BigEndian.PutUint32(head[128:], uint32(len(tags)))
	out := head
	at, size := 0, 0
	for i, t := range tags {
		if t.data != nil {
			at, size = len(out), len(t.data)
			out = append(out, t.data...)
			for len(out)%4 != 0 {
				out = append(out, 0)
			}
		}
		rec := out[132+12*i:]
		copy(rec, t.sig)
		binary.BigEndian.PutUint32(rec[4:], uint32(at))
		binary.BigEndian.PutUint32(rec[8:], uint32(size))
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}
