package api

import (
	"context"

	"github.com/huchain/huchain/types/rest"
)

// peers answers what CometBFT calls net_info.
func (s *Server) peers(_ context.Context, in *ChainPath) (*answer[rest.Peers], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Peers]{c.Consensus.Peers()}, nil
}
