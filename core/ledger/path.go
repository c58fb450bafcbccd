// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
)

// paths makes inclusion proofs. Unlike the builder of the library it hashes what a tile stands above once, not for each
// proof: a person has a thousand.
type paths struct {
	source Source
	size   uint64
	tiles  map[[2]uint64]*tile
	lowest int // tiles of level 0 among them
}

// tile has the hashes of a tile, and above them those that it stands for: each level half as many.
type tile [layout.TileHeight][][sha256.Size]byte

// maxLowest bounds the tiles of level 0 that are kept; proofs are made in the order of leaves.
const maxLowest = 64

func newPaths(s Source, size uint64) *paths {
	return &paths{source: s, size: size, tiles: map[[2]uint64]*tile{}}
}

// inclusion is the proof of RFC 9162 for a leaf.
func (p *paths) inclusion(ctx context.Context, leaf uint64) ([][]byte, error) {
	nodes, err := proof.Inclusion(leaf, p.size)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, 0, len(nodes.IDs))
	for _, id := range nodes.IDs {
		h, err := p.node(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return nodes.Rehash(out, rfc6962.DefaultHasher.HashChildren)
}

func (p *paths) node(ctx context.Context, id compact.NodeID) ([]byte, error) {
	level, within := uint64(id.Level/layout.TileHeight), id.Level%layout.TileHeight
	index, at := id.Index>>(layout.TileHeight-within), id.Index&(1<<(layout.TileHeight-within)-1)
	t := p.tiles[[2]uint64{level, index}]
	if t == nil {
		var err error
		if t, err = p.read(ctx, level, index); err != nil {
			return nil, err
		}
	}
	if at >= uint64(len(t[within])) {
		return nil, fmt.Errorf("the tile %s is too short", layout.TilePath(level, index, 0))
	}
	return t[within][at][:], nil
}

func (p *paths) read(ctx context.Context, level, index uint64) (*tile, error) {
	raw, err := p.source.ReadTile(ctx, level, index, layout.PartialTileSize(level, index, p.size))
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 || len(raw)%sha256.Size != 0 || len(raw) > layout.TileWidth*sha256.Size {
		return nil, fmt.Errorf("the tile %s is damaged", layout.TilePath(level, index, 0))
	}
	t := &tile{}
	for ; len(raw) > 0; raw = raw[sha256.Size:] {
		t[0] = append(t[0], [sha256.Size]byte(raw))
	}
	var both [1 + 2*sha256.Size]byte
	both[0] = rfc6962.RFC6962NodeHashPrefix
	for l := 1; l < len(t); l++ {
		below := t[l-1]
		t[l] = make([][sha256.Size]byte, 0, len(below)/2)
		for i := 0; i+1 < len(below); i += 2 {
			copy(both[1:], below[i][:])
			copy(both[1+sha256.Size:], below[i+1][:])
			t[l] = append(t[l], sha256.Sum256(both[:]))
		}
	}
	if level == 0 {
		if p.lowest++; p.lowest > maxLowest {
			for k := range p.tiles {
				if k[0] == 0 {
					delete(p.tiles, k)
				}
			}
			p.lowest = 1
		}
	}
	p.tiles[[2]uint64{level, index}] = t
	return t, nil
}
