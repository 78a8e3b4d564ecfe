"""The figures that `smallpool bench NAME` makes; each module measures one thing and says on what."""
