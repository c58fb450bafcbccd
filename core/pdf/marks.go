// SPDX-License-Identifier: EUPL-1.2

package pdf

import "math"

type place int

const (
	placeNone place = iota
	placeAbove
	placeBelow
	placeThrough
	placeRight
)

// markPlace tells where a combining mark stands.
func markPlace(m rune) place {
	switch m {
	case 0x300, 0x301, 0x302, 0x303, 0x304, 0x306, 0x307, 0x308, 0x309, 0x30a, 0x30b, 0x30c, 0x30f, 0x310, 0x311, 0x313:
		return placeAbove
	case 0x323, 0x324, 0x325, 0x326, 0x327, 0x328, 0x32d, 0x32e, 0x330, 0x331, 0x332, 0x35f:
		return placeBelow
	case 0x335, 0x336, 0x337, 0x338:
		return placeThrough
	case 0x315, 0x31b:
		return placeRight
	}
	return placeNone
}

// outlineMark is the shape of a mark as closed paths, in thousandths of the size
// relative to the letter's origin. box is the letter's bounding box, gap what lies
// between letter and mark already used by other marks, stem the weight of the type.
func outlineMark(m rune, x0, y0, x1, y1, adv, used, stem float64) (paths [][][2]float64, height float64) {
	cx := (x0 + x1) / 2
	t := stem
	at := func(dx, dy float64, pts ...[2]float64) [][2]float64 {
		out := make([][2]float64, len(pts))
		for i, p := range pts {
			out[i] = [2]float64{p[0] + dx, p[1] + dy}
		}
		return out
	}
	bar := func(dx, dy, w, h float64) [][2]float64 {
		return at(dx, dy, [2]float64{-w / 2, 0}, [2]float64{w / 2, 0}, [2]float64{w / 2, h}, [2]float64{-w / 2, h})
	}
	disc := func(dx, dy, r float64) [][2]float64 {
		p := make([][2]float64, 16)
		for i := range p {
			s, c := math.Sincos(float64(i) * math.Pi / 8)
			p[i] = [2]float64{dx + r*c, dy + r + r*s}
		}
		return p
	}
	// arc is a band along a curve y = f(u), u from -1 to 1, of half width w.
	band := func(dx, dy, w float64, f func(u float64) float64) [][2]float64 {
		const n = 12
		p := make([][2]float64, 0, 2*n+2)
		for i := 0; i <= n; i++ {
			u := 2*float64(i)/n - 1
			p = append(p, [2]float64{dx + u*w, dy + f(u)})
		}
		for i := n; i >= 0; i-- {
			u := 2*float64(i)/n - 1
			p = append(p, [2]float64{dx + u*w, dy + f(u) + t})
		}
		return p
	}
	comma := func(dx, dy float64) [][2]float64 {
		return at(dx, dy, [2]float64{-t * 0.3, 0}, [2]float64{t * 0.8, 0}, [2]float64{t * 0.8, -t * 0.5}, [2]float64{-t * 0.2, -t * 2}, [2]float64{-t * 0.7, -t * 1.6}, [2]float64{t * 0.1, -t * 0.7})
	}
	up, down := y1+55+used, y0-70-used
	switch m {
	case 0x300:
		paths = append(paths, at(cx, up, [2]float64{-120, 140}, [2]float64{-120 + 1.3*t, 140}, [2]float64{70, 0}, [2]float64{70 - t, 0}))
		height = 150
	case 0x301:
		paths = append(paths, at(cx, up, [2]float64{120, 140}, [2]float64{120 - 1.3*t, 140}, [2]float64{-70, 0}, [2]float64{-70 + t, 0}))
		height = 150
	case 0x30b:
		for _, d := range []float64{-90, 90} {
			paths = append(paths, at(cx+d, up, [2]float64{100, 140}, [2]float64{100 - 1.2*t, 140}, [2]float64{-60, 0}, [2]float64{-60 + t, 0}))
		}
		height = 150
	case 0x30f:
		for _, d := range []float64{-90, 90} {
			paths = append(paths, at(cx+d, up, [2]float64{-100, 140}, [2]float64{-100 + 1.2*t, 140}, [2]float64{60, 0}, [2]float64{60 - t, 0}))
		}
		height = 150
	case 0x302, 0x32d:
		y := up
		if m == 0x32d {
			y = down - 130
		}
		paths = append(paths, at(cx, y, [2]float64{-150, 0}, [2]float64{-150 + 1.2*t, 0}, [2]float64{0, 130 - t}, [2]float64{150 - 1.2*t, 0}, [2]float64{150, 0}, [2]float64{t / 2, 130}, [2]float64{-t / 2, 130}))
		height = 140
	case 0x30c:
		paths = append(paths, at(cx, up, [2]float64{-150, 130}, [2]float64{-150 + 1.2*t, 130}, [2]float64{0, t}, [2]float64{150 - 1.2*t, 130}, [2]float64{150, 130}, [2]float64{t / 2, 0}, [2]float64{-t / 2, 0}))
		height = 140
	case 0x303, 0x330:
		y := up + 20
		if m == 0x330 {
			y = down - 80
		}
		paths = append(paths, band(cx, y, 160, func(u float64) float64 { return 40 * math.Sin(-u*math.Pi) }))
		height = 130
	case 0x304:
		paths = append(paths, bar(cx, up+10, 300, t*0.9))
		height = t + 50
	case 0x331, 0x332:
		paths = append(paths, bar(cx, down-t*0.9, 300, t*0.9))
		height = t + 50
	case 0x35f:
		paths = append(paths, bar(cx+adv/2, down-t*0.9, adv+200, t*0.9))
		height = t + 50
	case 0x306, 0x32e:
		y := up
		if m == 0x32e {
			y = down - 110
		}
		paths = append(paths, band(cx, y, 140, func(u float64) float64 { return 90 * u * u }))
		height = 150
	case 0x311:
		paths = append(paths, band(cx, up, 140, func(u float64) float64 { return 90 * (1 - u*u) }))
		height = 150
	case 0x310:
		paths = append(paths, band(cx, up, 150, func(u float64) float64 { return 100 * u * u }), disc(cx, up+110, t*0.6))
		height = 220
	case 0x307:
		paths = append(paths, disc(cx, up+10, t*0.75))
		height = 2*t + 40
	case 0x323:
		paths = append(paths, disc(cx, down-1.5*t, t*0.75))
		height = 2*t + 40
	case 0x308:
		paths = append(paths, disc(cx-100, up+10, t*0.7), disc(cx+100, up+10, t*0.7))
		height = 2*t + 40
	case 0x324:
		paths = append(paths, disc(cx-100, down-1.4*t, t*0.7), disc(cx+100, down-1.4*t, t*0.7))
		height = 2*t + 40
	case 0x309:
		paths = append(paths, band(cx+20, up+60, 70, func(u float64) float64 { return 60 * (1 - u*u) }), bar(cx+20+70-t/2, up, t, 70))
		height = 180
	case 0x30a, 0x325:
		y := up
		if m == 0x325 {
			y = down - 170
		}
		// a ring is its outer edge and, turned the other way, its inner one
		outer, inner := disc(cx, y, 85), disc(cx, y+t*0.8, 85-t*0.8)
		for i, j := 0, len(inner)-1; i < j; i, j = i+1, j-1 {
			inner[i], inner[j] = inner[j], inner[i]
		}
		paths = append(paths, outer, inner)
		height = 190
	case 0x313:
		paths = append(paths, comma(cx, up+150))
		height = 190
	case 0x326:
		paths = append(paths, comma(cx, down))
		height = 2*t + 40
	case 0x327:
		paths = append(paths, bar(cx, y0-60, t*0.8, 60), comma(cx+t*0.6, y0-60))
		height = 2*t + 80
	case 0x328:
		paths = append(paths, band(cx+60, y0-110, 70, func(u float64) float64 { return 70 * u * u }), bar(cx+60-70+t/3, y0-60, t, 70))
		height = 180
	case 0x335, 0x336:
		paths = append(paths, bar(cx, (y0+y1)/2-t/2, math.Max(260, (x1-x0)*0.7), t*0.8))
	case 0x337, 0x338:
		paths = append(paths, at(0, 0, [2]float64{x0, y0}, [2]float64{x0 + t, y0}, [2]float64{x1, y1}, [2]float64{x1 - t, y1}))
	case 0x315:
		paths = append(paths, comma(x1+40, y1+40))
	case 0x31b:
		paths = append(paths, comma(x1+10, y1+60))
	}
	return paths, height
}
