// SPDX-License-Identifier: EUPL-1.2

// Package citymap draws the map on which somebody shows where something is (Lageplan).
//
// It draws what the city's own registers know of their places: outlines of quarters,
// addresses. Which ones stands in content/city/map.toml. No map is loaded from elsewhere:
// nobody outside learns who looks at what.
//
// It does: views of a map, moved and brought nearer (View, in the Mercator projection that
// maps on the web have, EPSG:3857), which place a click on a picture means, and the picture
// (SVG 1.1) of a view.
//
// It doesn't keep anything, and shows public registers only: those that hold nothing about
// persons.
//
// Terms: a view (Kartenausschnitt) is a middle and a zoom; a layer (Kartenebene) is a field
// with geometry of a register; a mark is the place that was chosen.
package citymap
